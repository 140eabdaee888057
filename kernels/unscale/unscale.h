#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace temper {

/// x = factor * x; fault (null: none) = infinity if an element of the new x is not finite, else it stays as it was. f32
/// and f64. Moves 2 n elements.
template <class T>
void unscale(Stream stream, int64_t n, T factor, T* x, float* fault);

}  // namespace temper
