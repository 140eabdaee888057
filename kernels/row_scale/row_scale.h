#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// How many factors a matrix's rows are scaled by: one each, or one for all.
enum class RowFactors : uint8_t { one_per_row, one };

/// y_rc = beta * y_rc + factor * s_r * x_rc over (rows, cols); s holds `rows` values or one. With beta = 0 the old y is
/// not read. y may be x. f32 and f64. Moves 2 * rows * cols, half as much again for beta != 0.
template <class T>
void row_scale(Stream stream, int64_t rows, int cols, float beta, T* y, const T* x, const T* s, RowFactors factors,
               double factor);

}  // namespace temper
