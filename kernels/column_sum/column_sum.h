#pragma once
#include <cstdint>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Elements of column_sum()'s workspace.
int64_t column_sum_workspace(int64_t rows, int cols);

/// y[c] = beta * y[c] + sum over rows of x[row, c]. x (rows, cols), y (cols) in f32 (f64 for f64 x): a bias's gradient.
/// `workspace` is scratch. The order of summation depends on the extents alone. Moves rows * cols elements.
template <class T, class Sum = compute_t<T>>
void column_sum(Stream stream, int64_t rows, int cols, Sum* y, Sum* workspace, const T* x, float beta);

}  // namespace temper
