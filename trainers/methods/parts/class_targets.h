#pragma once
#include "core/config/config.h"
#include "core/ops/loss.h"
#include "core/tape.h"
#include "data/batch.h"

namespace TEMPER_API temper {

/// The target distributions of a method's cross entropy: the labels, two for an image that was mixed from two
/// (augment.cutmix), with the share `label_smoothing` spread over all classes.
struct ClassTargets {
  float label_smoothing = 0;

  void fields(Fields& f);
  Var cross_entropy(Tape& tape, const Var& logits, const Batch& batch, Reduction reduction = Reduction::mean) const;
};

}  // namespace temper
