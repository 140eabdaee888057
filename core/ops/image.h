#pragma once
#include <vector>

#include "core/tape.h"

namespace TEMPER_API temper {

/// (x - mean) / std per channel, in the engine's compute type: the model's first op, so that attacks always work on
/// [0, 1] pixels. x (N, H, W, C) f32 (f64). Empty mean and std: only the type changes (or nothing at all).
Var normalize(Tape& tape, const Var& x, const std::vector<double>& mean, const std::vector<double>& std);

}  // namespace temper
