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
  const Network& model = context.model;
  const Pass pass = attack_pass(bn);
  const Pgd attack = attack_with(pass, pgd);
  return attack_in_slices(context, pass, batch, [&](Engine& on, const BatchSlice& slice) {
    // Constant during the attack, so one forward; the official code repeats it in every step.
    const Var target{model.predict(on, slice.batch.images, pass)};
    return attack.run(
        on, slice.batch, [&](Tape& t, const Var& x) { return model(t, x, pass); },
        [&](Tape& t, const Var& logits) {
          return attack.gradient == Pgd::Gradient::unsaturated ? kl_direction(t, logits, target.value)
                                                               : kl_divergence(t, logits, target, Reduction::none);
        },
        context.draw());
  });
}

}  // namespace temper
