#pragma once
#include "attacks/pgd.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The inner maximisation of adversarial training (Madry et al. 2018): x_adv = argmax of `pgd`'s own loss against the
/// labels, usually the cross entropy.
struct LabelAttack {
  Pgd pgd;
  AttackBn bn = AttackBn::train;

  explicit LabelAttack(const PgdOptions& options) : pgd(options) {}
  /// The keys `attack` and `attack_bn` of a method's section.
  void fields(Fields& f) {
    f.section("attack", pgd);
    attack_bn_field(f, bn);
  }
  /// The adversarial images of a step, made once().
  Tensor images(const TrainContext& context, const Batch& batch) const {
    return context.once("attack", [&] {
      return pgd.run({context.engine, batch, {context.model, attack_pass(bn)}, context.random("attack")}).images;
    });
  }
};

}  // namespace temper
