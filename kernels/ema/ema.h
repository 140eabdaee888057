#pragma once
#include <cstdint>

#include "kernels/runtime/scalar_arg.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// average = decay * average + (1 - decay) * w, n elements, in place. Nothing happens where `moves` is 0. f32
/// and f64. Moves 3n elements.
template <class T>
void ema(Stream stream, int64_t n, T* average, const T* w, ScalarArg<double> decay, ScalarArg<uint32_t> moves = 1);

}  // namespace temper
