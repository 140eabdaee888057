#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

// Rows of matrices moved whole, by numbers on the device. Arrays do not overlap. f32, f64 and i32.

/// y_r = x_index[r] for each of `rows` rows of `cols` columns. index (rows) is trusted to lie in x. Moves 2 * rows *
/// cols elements.
template <class T>
void gather_rows(Stream stream, int64_t rows, int cols, T* y, const T* x, const int32_t* index);

/// y_index[r] = x_r for each of `rows` rows of x; no number twice. The other rows of y stay. Moves 2 * rows * cols.
template <class T>
void scatter_rows(Stream stream, int64_t rows, int cols, T* y, const T* x, const int32_t* index);

/// y_r = x_r where chosen_r is not 0, for (rows, cols). Moves at most 2 * rows * cols.
template <class T>
void copy_rows_where(Stream stream, int64_t rows, int cols, T* y, const T* x, const int32_t* chosen);

}  // namespace temper
