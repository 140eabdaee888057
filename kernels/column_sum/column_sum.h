#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace temper {

/// y[c] = beta * y[c] + sum over rows of x[row, c]. x (rows, cols), y (cols) in f32 (f64 for f64 x): a bias's gradient.
/// The order of summation depends on the extents alone. Moves rows * cols elements.
template <class T, class Sum>
void column_sum(Stream stream, int64_t rows, int cols, const T* x, float beta, Sum* y);

}  // namespace temper
