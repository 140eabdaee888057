#include "trainers/kl_attack.h"

#include "attacks/slices.h"

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

AttackResult KlAttack::run(const TrainContext& context, const Batch& batch) const {
  const Pass pass = attack_pass(bn);
  const Classifier classifier(context.model, pass);
  // Constant during the attack, so one forward; the official code repeats it in every step.
  const Tensor target = predict_in_slices(context.engine, context.model, batch.images, pass);
  const bool unsaturated = pgd.gradient_on(classifier) == Pgd::Gradient::unsaturated;
  return pgd.run({context.engine, batch, classifier, context.random("attack")}, [&](Tape& tape, const AttackView& at) {
    return unsaturated ? kl_direction(tape, at.logits, at.of(target))
                       : kl_divergence(tape, at.logits, {at.of(target)}, Reduction::none);
  });
}

}  // namespace temper
