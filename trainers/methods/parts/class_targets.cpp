#include "trainers/methods/parts/class_targets.h"

#include "core/ops/mixed_loss.h"

namespace temper {

void ClassTargets::fields(Fields& f) {
  f("label_smoothing", label_smoothing, Limits::at_least(0).below(1).usually(0, 0.5),
    "share of the target spread over all classes");
}

Var ClassTargets::cross_entropy(Tape& tape, const Var& logits, const Batch& batch, Reduction reduction) const {
  const MixedLabels labels{.labels = batch.labels, .other = batch.other_labels, .share = batch.other_share};
  return mixed_cross_entropy(tape, logits, labels, reduction, label_smoothing);
}

}  // namespace temper
