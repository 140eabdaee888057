#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y = beta * y + a * b, n elements; with beta = 0 the old y is not read. y may be a or b. f32 and f64. Moves 3n
/// elements, 4n for beta != 0.
template <class T>
void product(Stream stream, int64_t n, const T* a, const T* b, float beta, T* y);

}  // namespace temper
