#pragma once
#include <optional>

#include "core/engine.h"
#include "core/tensor.h"

namespace TEMPER_API temper {

/// The indices of the rows to attack further, (M) i32 in the engine's arena, given `success` (N), 1 or 0: all rows that
/// were not fooled, padded with others until M is one of N, N/2, N/4 ..., so that there are few batch sizes. Empty if
/// all are fooled. Waits for the engine's stream; in a planning pass it returns half of the rows.
std::optional<Tensor> survivors(Engine& engine, const Tensor& success);

}  // namespace temper
