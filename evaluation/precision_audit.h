#pragma once
#include <functional>
#include <vector>

#include "attacks/attack.h"
#include "data/dataset.h"
#include "nn/module.h"

namespace temper {

/// One network in one precision. The pass uses running statistics, so that samples do not depend on each other.
struct PrecisionSide {
  Engine& engine;
  const Network& network;
  Pass pass;
};

/// What another precision changes for an attack, counted over samples and pixels. Gradients are those of the log odds
/// (core/ops/loss.h) with respect to the input, both taken at the same images: the clean ones and those the reference's
/// attack found. The two attacks are then run apart, each in its own precision, and judged by the reference.
struct PrecisionAudit {
  struct Gradients {
    double same_sign = 0;  ///< share of pixels whose gradient has the same sign, zero being a sign of its own
    double cosine = 0;     ///< mean over samples; 1 where both are zero, 0 where one is
    double zero = 0, zero_reference = 0;  ///< share of pixels whose gradient is exactly zero
  };
  Gradients clean, adversarial;
  double loss = 0, loss_reference = 0;      ///< mean cross entropy reached by each attack
  double robust = 0, robust_reference = 0;  ///< percent that each attack left right
  double same_label = 0;                    ///< percent of clean images that both precisions classify alike
  int64_t images = 0;
};

/// Audits `other` against `reference`, two engines with the same weights. Batches of `batch_size` images of `set`.
PrecisionAudit audit_precision(const PrecisionSide& reference, const PrecisionSide& other, const ImageSet& set,
                               const Attack& attack, int64_t batch_size,
                               const std::function<void(int64_t done, int64_t total)>& progress = {});

}  // namespace temper
