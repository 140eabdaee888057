#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace temper {

/// y_r = factor * sum_c x_rc over each row of (rows, cols), in an order that depends on cols alone. f32 and f64.
template <class T>
void row_sum(Stream stream, int64_t rows, int cols, T* y, const T* x, double factor);

}  // namespace temper
