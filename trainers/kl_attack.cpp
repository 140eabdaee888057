#include "trainers/kl_attack.h"

namespace temper {

KlAttack::KlAttack() {
  pgd.radius = 0.031;
  pgd.step = 0.007;
  pgd.start = Pgd::Start::gauss001;
}

void KlAttack::fields(Fields& f) {
  f.section("attack", pgd);
  attack_bn_field(f, bn);
}

Tensor KlAttack::run(const TrainContext& context, const Batch& batch) const {
  Engine& engine = context.engine;
  const Network& model = context.model;
  const Pass pass = attack_pass(bn);
  // Constant during the attack, so one forward; the official code repeats it in every step.
  const Var clean{model.predict(engine, batch.images, pass)};
  return attack_in_slices(engine, batch, samples_at_a_time(context, bn, batch), [&](const BatchSlice& slice) {
    const Var target{clean.value.rows(slice.first, slice.batch.size())};
    return pgd.run(
        engine, slice.batch, [&](Tape& t, const Var& x) { return model(t, x, pass); },
        [&](Tape& t, const Var& logits) {
          return pgd.gradient == Pgd::Gradient::unsaturated ? kl_direction(t, logits, target.value)
                                                            : kl_divergence(t, logits, target, Reduction::none);
        },
        context.draw());
  });
}

}  // namespace temper
