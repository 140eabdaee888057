#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y_r = factor * sum_c x_rc over each row of (rows, cols), in an order that depends on cols alone. f32 and f64.
template <class T>
void row_sum(Stream stream, int64_t rows, int cols, T* y, const T* x, double factor);
/// dx_rc = beta * dx_rc + dy_r: the gradient of row_sum() with the factor 1. With beta = 0 the old dx is not read.
template <class T>
void row_sum_backward(Stream stream, int64_t rows, int cols, const T* dy, float beta, T* dx);

}  // namespace temper
