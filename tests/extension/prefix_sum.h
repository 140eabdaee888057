#pragma once
#include "kernels/runtime/stream.h"

namespace temper {

/// y (rows, cols): y_j = x_0 + ... + x_j in every row; y may be x. f32 and f64. A row has at most kMostPrefixColumns<T>
/// elements: on a GPU a block holds it in shared memory. Moves 2 rows * cols elements. The order of the sums differs
/// between the devices, and is the same in every run.
template <class T>
void prefix_sum(Stream stream, int64_t rows, int cols, T* y, const T* x);

template <class T>
inline constexpr int kMostPrefixColumns = (96 << 10) / sizeof(T);

}  // namespace temper
