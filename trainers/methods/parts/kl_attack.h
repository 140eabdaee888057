#pragma once
#include "attacks/pgd.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The inner maximisation of TRADES (Zhang et al. 2019) and CURE: x_adv = argmax KL(p(x) || p(x_adv)). The defaults are
/// those of the official code: radius 0.031 (7.9/255), 10 steps of 0.007, start x + 0.001 N(0, 1) unclipped, running
/// statistics.
struct KlAttack {
  Pgd pgd;
  AttackBn bn = AttackBn::eval;

  KlAttack();
  /// The keys `attack` and `attack_bn` of a method's section.
  void fields(Fields& f);
  /// The adversarial images of a step, made once().
  Tensor images(const TrainContext& context, const Batch& batch) const;
  /// The objective for `pgd` in `call`, whose classifier is `model` in the BatchNorm mode `bn`. The prediction for the
  /// clean images is constant during the attack, so it is computed here, once; the official code repeats it every step.
  Objective objective(const AttackCall& call, const Network& model) const;
};

}  // namespace temper
