#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y_r = sum_c (a_rc - b_rc)^2 over each row of (rows, cols). Deterministic. f32 and f64. Moves 2 * rows * cols.
template <class T>
void squared_error(Stream stream, int64_t rows, int cols, T* y, const T* a, const T* b);

/// da = beta * da + 2 * factor * dy[0] * (a - b), n elements; da may be neither a nor b. Moves 3n, 4n for beta != 0.
template <class T>
void squared_error_backward(Stream stream, int64_t n, float beta, T* da, const T* a, const T* b, const T* dy,
                            double factor);

}  // namespace temper
