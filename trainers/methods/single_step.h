#pragma once
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/random_fgsm.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// Single-step adversarial training: the cross entropy of images that one signed step found. Twice the cost of natural
/// training. Registered as
///   fgsm_rs  Wong, Rice & Kolter 2020, "Fast is better than free"
///   n_fgsm   de Jorge et al. 2022, "Make Some Noise"
/// with the attacks of the official codes, and batch statistics in the attack, whose forward pass moves the running
/// ones.
struct SingleStep : Trainer {
  RandomFgsm attack;
  AttackBn attack_bn = AttackBn::train;
  ClassTargets targets;

  explicit SingleStep(const RandomFgsmOptions& options) : attack(options) {}

  void fields(Fields& f) override;
  std::vector<const Attack*> attacks() const override { return {&attack}; }
  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override;
};

}  // namespace temper
