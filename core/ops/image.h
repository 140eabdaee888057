#pragma once
#include <vector>

#include "core/tape.h"

namespace TEMPER_API temper {

/// (x - mean) / std per channel, in the engine's compute type: the model's first op, so that attacks always work on
/// [0, 1] pixels. x (N, H, W, C) f32 (f64). Empty mean and std: only the type changes (or nothing at all).
Var normalize(Tape& tape, const Var& x, const std::vector<double>& mean, const std::vector<double>& std);

/// x (N, H, W, C) with `below` rows of zeros under it and `right` columns to its right: what is missing of a
/// convolution whose padding is not the same on all sides, such as TensorFlow's SAME with a stride.
Var pad_far(Tape& tape, const Var& x, int below, int right);

}  // namespace temper
