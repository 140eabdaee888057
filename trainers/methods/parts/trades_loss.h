#pragma once
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/paired_logits.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The loss of TRADES (Zhang et al. 2019): the mean over the batch of
///   CE(f(x), y) + beta KL(p(x) || p(x_adv)).
struct TradesLoss {
  enum class KlGradient : uint8_t { both_sides, adversarial_only };
  float beta = 6;
  ClassTargets targets;
  KlGradient kl_gradient = KlGradient::both_sides;

  void fields(Fields& f);
  /// Logs clean_loss and kl, the mean KL without beta. `betas`, (N) of the logits' type, is a weight for each image in
  /// place of beta, not differentiated; then weighted_kl is logged.
  Var operator()(Tape& tape, const TrainContext& context, const Batch& batch, const PairedLogits& of,
                 const Tensor& betas = {}) const;
};

}  // namespace temper
