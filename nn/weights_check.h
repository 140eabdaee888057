#pragma once
#include <optional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace temper {

/// What makes an array of a network unusable: "'bn1.running_var' holds -0.5 at [3], ..." for the first number that is
/// NaN or infinite or, in an array of running variances, below zero. `values` lie as in memory; the place is given as
/// PyTorch counts, which has filters as (K, C, R, S).
std::optional<std::string> weights_fault(const std::string& name, const Shape& shape,
                                         const std::vector<double>& values);

/// Throws Error, beginning with `who`, if a number of `weights` is not to be computed with. To be called before
/// anything is measured: a network hides such a number where a ReLU comes after it. Waits for the engine's stream.
void check_weights(Engine& engine, const Weights& weights, const std::string& who);

/// The same of one buffer, all of it read.
void check_weights(const ParamBuffer& values, const std::string& who);

}  // namespace temper
