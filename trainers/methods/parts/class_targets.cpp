#include "trainers/methods/parts/class_targets.h"

namespace temper {

void ClassTargets::fields(Fields& f) {
  f("label_smoothing", label_smoothing, Limits::at_least(0).below(1).usually(0, 0.5),
    "share of the target spread over all classes");
}

Var ClassTargets::cross_entropy(Tape& tape, const Var& logits, const Batch& batch, Reduction reduction) const {
  return temper::cross_entropy(tape, logits, batch.labels, reduction, label_smoothing);
}

}  // namespace temper
