#pragma once
#include "attacks/pgd.h"
#include "trainers/attack_bn.h"
#include "trainers/trainer.h"

namespace temper {

/// TRADES' inner maximisation (Zhang et al. 2019), CURE's too: x_adv = argmax KL(p(x) || p(x_adv)). The defaults are
/// the official code's: radius 0.031 (7.9/255), 10 steps of 0.007, start x + 0.001 N(0, 1) unclipped, running
/// statistics.
struct KlAttack {
  Pgd pgd;
  AttackBn bn = AttackBn::eval;

  KlAttack();
  /// The keys `attack` and `attack_bn` of a method's section.
  void fields(Fields& f);
  /// With random numbers of the name "attack".
  AttackResult run(const TrainContext& context, const Batch& batch) const;
};

}  // namespace temper
