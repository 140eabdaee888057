#pragma once
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/paired_logits.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The loss of MART (Wang et al. 2020): a boosted cross entropy of the adversarial images, and a KL term that counts
/// the more, the less the clean image is recognised. With p = softmax f(x) and q = softmax f(x_adv), the mean over the
/// batch of
///   CE(f(x_adv), y) - log(1 - max_{k != y} q_k)  +  beta KL(p || q) (1 - p_y).
/// Nothing is cut from the gradient: p and the weight 1 - p_y are trained, too. So that no logarithm is infinite, the
/// official code, and this, has 1.0001 - q_k + 1e-12, log(q + 1e-12) in the KL term, and 1.0000001 - p_y.
struct MartLoss {
  float beta = 5;
  ClassTargets targets;

  void fields(Fields& f);
  /// Logs boosted_loss and weighted_kl, without beta. Throws Error if images were mixed: they have no one class whose
  /// probability could be p_y.
  Var operator()(Tape& tape, const TrainContext& context, const Batch& batch, const PairedLogits& of) const;
};

}  // namespace temper
