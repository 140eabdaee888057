#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y[row, c] += v[c]. y (rows, cols), v (cols): a bias. Moves 2 * rows * cols elements.
template <class T>
void row_add(Stream stream, int64_t rows, int cols, const T* v, T* y);

}  // namespace temper
