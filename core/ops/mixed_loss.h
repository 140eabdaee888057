#pragma once
#include "core/ops/loss.h"

namespace TEMPER_API temper {

/// Labels of images that may be mixed from two: label `labels[i]` with the share 1 - share[i], `other[i]` with
/// share[i].
struct MixedLabels {
  Tensor labels;      ///< (N) i32
  Tensor other = {};  ///< (N) i32; empty: no image is mixed
  Tensor share = {};  ///< (N), of the logits' type
};

/// Cross entropy against the mixture of both labels, (1 - share) CE(label) + share CE(other): it is linear in the
/// target, so this is the cross entropy of the mixed target, with smoothing, too. Without `other` it is
/// cross_entropy().
Var mixed_cross_entropy(Tape& tape, const Var& logits, const MixedLabels& labels, Reduction reduction = Reduction::mean,
                        float smoothing = 0);

}  // namespace temper
