#pragma once
#include "core/engine.h"
#include "core/tensor.h"

namespace temper {

/// The first element of a f32 or f64 tensor, on the host. Waits for the engine's stream.
double read_scalar(Engine& engine, const Tensor& x);

}  // namespace temper
