#pragma once
#include <optional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace TEMPER_API temper {

/// The first invalid value of an array, if any: NaN, infinite or, in an array of running variances, below zero. The
/// text reads "'bn1.running_var' holds -0.5 at [3], ..."; its index is PyTorch's, with filters as (K, C, R, S), while
/// `values` are in Temper's order.
std::optional<std::string> weights_fault(const std::string& name, const Shape& shape,
                                         const std::vector<double>& values);

/// Throws Error, beginning with `who`, if `weights` hold an invalid value. To be called before a measurement: a ReLU
/// can hide a NaN from the results. Waits for the engine's stream.
void check_weights(Engine& engine, const Weights& weights, const std::string& who);

/// The same for one buffer, on the host.
void check_weights(const ParamBuffer& values, const std::string& who);

}  // namespace temper
