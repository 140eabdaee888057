#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Columns [begin, begin + count) of a (rows, cols) matrix. They are trusted to lie in it.
struct ColumnRange {
  int64_t rows;
  int cols, begin, count;
};

/// y (rows, count) = those columns of x (rows, cols). Moves 2 * rows * count elements.
template <class T>
void take_columns(Stream stream, ColumnRange columns, T* y, const T* x);
/// dx (rows, cols) = beta * dx, plus dy (rows, count) in those columns. With beta = 0 the old dx is not read.
template <class T>
void put_columns(Stream stream, ColumnRange columns, const T* dy, float beta, T* dx);

}  // namespace temper
