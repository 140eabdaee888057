#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

// One element of each row of (rows, cols), by column. Nothing may alias. Deterministic. f32 and f64.

/// y_r = x[r, column_r]; NaN where the column is outside [0, cols).
template <class T>
void pick(Stream stream, int64_t rows, int cols, T* y, const T* x, const int32_t* column);
/// dx_rc = beta * dx_rc + (c == column_r ? dy_r : 0): the gradient of pick() and of row_max(). With beta = 0 the old dx
/// is not read.
template <class T>
void pick_backward(Stream stream, int64_t rows, int cols, const T* dy, const int32_t* column, float beta, T* dx);

/// y_r = max_c x_rc over c != except_r and the first column that has it; NaN and -1 where x is NaN in such a column, or
/// where except_r is outside [0, cols). except null: over all columns. With an except there are at least 2 columns.
template <class T>
void row_max(Stream stream, int64_t rows, int cols, T* y, int32_t* column, const T* x, const int32_t* except);

}  // namespace temper
