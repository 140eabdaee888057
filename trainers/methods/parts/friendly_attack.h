#pragma once
#include <optional>
#include <vector>

#include "trainers/methods/parts/kl_attack.h"

namespace TEMPER_API temper {

/// The early-stopped PGD of FAT (Zhang et al. 2020, Algorithm 1): an image that the network is wrong about leaves the
/// attack as it is, after tau more steps. The K forward and backward passes are over the whole batch, on the device;
/// with running statistics an image that has left changes nothing for the others. With tau of at least K it is PGD.
struct FriendlyAttack {
  FriendlyAttack() = default;
  FriendlyAttack(const FriendlyAttack&) = delete;
  FriendlyAttack& operator=(const FriendlyAttack&) = delete;

  enum class Maximised : uint8_t { cross_entropy, kl };

  KlAttack attack;  ///< the PGD, with radius 0.031 and steps of 0.007
  int tau = 0;
  std::vector<int> milestones;  ///< tau grows by 1 after each of these epochs
  double noise = 0;             ///< omega: omega N(0, 1) is added to an image at every step, before the projection

  /// The keys `tau`, `milestones` and `noise`, and those of the attack.
  void fields(Fields& f);
  void begin(const TrainContext& context);
  void before_epoch(const TrainContext& context);
  /// The friendly images of a step, made once(). Logs attack_steps, the mean number of steps of an image: the passes
  /// that an implementation needs which takes images out of the batch.
  Tensor images(const TrainContext& context, const Batch& batch, Maximised what) const;
  void visit_state(StateVisitor& v, const char* method);

 private:
  AttackResult find(const AttackCall& call, const Network& model, Maximised what) const;

  int64_t patience_ = 0;  ///< tau in this epoch
  ParamLayout layout_;
  std::optional<ParamBuffer> counts_;  ///< 0, 1, 2, ...: the device's counts of steps as floating point numbers
};

}  // namespace temper
