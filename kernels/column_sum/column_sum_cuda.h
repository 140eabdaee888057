#pragma once
// The CUDA half of column_sum.h: the same contract.
#include "kernels/column_sum/column_sum.h"

namespace temper::cuda {

template <class T, class Sum>
void column_sum(Stream stream, int64_t rows, int cols, Sum* y, Sum* workspace, const T* x, float beta);

}  // namespace temper::cuda
