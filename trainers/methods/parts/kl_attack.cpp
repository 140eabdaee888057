#include "trainers/methods/parts/kl_attack.h"

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

Tensor KlAttack::images(const TrainContext& context, const Batch& batch) const {
  return context.once("attack", [&] {
    const Classifier classifier(context.model, attack_pass(bn));
    const AttackCall call{context.engine, batch, classifier, context.random("attack")};
    return pgd.run(call, objective(call, context.model)).images;
  });
}

Objective KlAttack::objective(const AttackCall& call, const Network& model) const {
  const Tensor target = predict_in_slices(call.engine, model, call.batch.images, attack_pass(bn));
  const bool unsaturated = pgd.gradient_on(call.classifier) == Pgd::Gradient::unsaturated;
  return [target, unsaturated](Tape& tape, const AttackView& at) {
    return unsaturated ? kl_direction(tape, at.logits, at.of(target))
                       : kl_divergence(tape, at.logits, {at.of(target)}, Reduction::none);
  };
}

}  // namespace temper
