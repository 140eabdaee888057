#include "core/ops/mixed_loss.h"

#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"

namespace temper {

Var mixed_cross_entropy(Tape& tape, const Var& logits, const MixedLabels& labels, Reduction reduction,
                        float smoothing) {
  if (!labels.other) return cross_entropy(tape, logits, labels.labels, reduction, smoothing);
  TEMPER_CHECK(
      labels.share && labels.share.numel() == logits.value.shape[0] && labels.share.dtype == logits.value.dtype,
      "mixed_cross_entropy: expected a share per row, (", logits.value.shape[0], ") ", logits.value.dtype, ", got ",
      labels.share.shape, " ", labels.share.dtype);
  const Var first = cross_entropy(tape, logits, labels.labels, Reduction::none, smoothing),
            second = cross_entropy(tape, logits, labels.other, Reduction::none, smoothing);
  const Var each = add(tape, first, mul(tape, add(tape, second, first, -1.f), Var{labels.share}));
  switch (reduction) {
    case Reduction::none: return each;
    case Reduction::sum: return sum(tape, each);
    case Reduction::mean: return mean(tape, each);
    default: fail("mixed_cross_entropy: expected the reduction none, sum or mean, got elementwise");
  }
}

}  // namespace temper
