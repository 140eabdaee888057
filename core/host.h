#pragma once
#include <vector>

#include "core/engine.h"
#include "core/tensor.h"

namespace TEMPER_API temper {

/// Copies on the host; both wait for the engine's stream.
/// The values of a f32 or f64 tensor.
std::vector<double> host_values(Engine& engine, const Tensor& x);
/// The values of an i32 tensor: labels, predictions.
std::vector<int32_t> host_indices(Engine& engine, const Tensor& x);

}  // namespace temper
