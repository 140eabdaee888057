#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

// Softmax of each row of (rows, cols), and its gradient. Nothing may alias; with beta = 0 the old dz is not read.
// Deterministic: a row's result depends on that row alone. f32 and f64. A forward moves 2 * rows * cols elements, a
// backward 3, one more for beta != 0.

/// y_rc = exp(z_rc - max z_r) / sum_c exp(z_rc - max z_r).
template <class T>
void softmax_forward(Stream stream, int64_t rows, int cols, T* y, const T* z);
/// dz = beta * dz + y * (dy - sum_c y_c dy_c).
template <class T>
void softmax_backward(Stream stream, int64_t rows, int cols, const T* y, const T* dy, float beta, T* dz);

/// y_rc = (z_rc - max z_r) - log sum_c exp(z_rc - max z_r).
template <class T>
void log_softmax_forward(Stream stream, int64_t rows, int cols, T* y, const T* z);
/// dz = beta * dz + dy - exp(y) * sum_c dy_c.
template <class T>
void log_softmax_backward(Stream stream, int64_t rows, int cols, const T* y, const T* dy, float beta, T* dz);

}  // namespace temper
