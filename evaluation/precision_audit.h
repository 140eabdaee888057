#pragma once
#include <functional>
#include <vector>

#include "attacks/attack.h"
#include "data/dataset.h"
#include "nn/module.h"

namespace TEMPER_API temper {

/// A network in one precision. The pass must use running statistics, so that samples do not depend on each other.
struct PrecisionSide {
  Engine& engine;
  const Network& network;
  Pass pass;
};

/// The effect of a lower precision on an attack. Gradients are those of the log odds (core/ops/loss.h) with respect to
/// the input; both precisions are compared at the same images, the clean ones and those found by the reference's
/// attack. Then the attack is run in each precision, and the reference classifies the results.
struct PrecisionAudit {
  struct Gradients {
    double same_sign = 0;                 ///< share of pixels whose gradient has the same sign (-, 0, +)
    double cosine = 0;                    ///< mean over samples; 1 where both are zero, 0 where one is
    double zero = 0, zero_reference = 0;  ///< share of pixels whose gradient is exactly zero
  };
  Gradients clean, adversarial;
  double loss = 0, loss_reference = 0;      ///< mean cross entropy reached by each attack
  double robust = 0, robust_reference = 0;  ///< percent classified correctly after each attack
  double same_label = 0;                    ///< percent of clean images with the same prediction in both precisions
  int64_t images = 0;
};

/// Audits `other` against `reference`, two engines with the same weights. Batches of `batch_size` images of `set`.
PrecisionAudit audit_precision(const PrecisionSide& reference, const PrecisionSide& other, const ImageSet& set,
                               const Attack& attack, int64_t batch_size,
                               const std::function<void(int64_t done, int64_t total)>& progress = {});

}  // namespace temper
