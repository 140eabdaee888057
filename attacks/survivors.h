#pragma once
#include <optional>

#include "core/engine.h"
#include "core/tensor.h"

namespace temper {

/// The rows to go on with, (M) i32 in the engine's arena, after an attack found `success` (N), 1 or 0: all that it did
/// not fool, and as many others as make M one of N, N/2, N/4 ..., so that a device meets few batch sizes. None: all are
/// fooled. Waits for the engine's stream; while planning, half of the rows.
std::optional<Tensor> survivors(Engine& engine, const Tensor& success);

}  // namespace temper
