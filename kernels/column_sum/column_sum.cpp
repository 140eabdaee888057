#include "kernels/column_sum/column_sum.h"

#include <algorithm>
#include <vector>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"
#include "kernels/runtime/pair.h"
#if defined(TEMPER_CUDA)
#include "kernels/column_sum/column_sum_cuda.h"
#endif

namespace temper {

template <class T, class Sum>
void column_sum(Stream stream, int64_t rows, int cols, const T* x, float beta, Sum* y) {
  const KernelRange range(stream, "column_sum", {rows, cols});
  TEMPER_CUDA_HALF(column_sum, stream, rows, cols, x, beta, y);
  if (cols == 0) return;
  const int64_t size = std::max<int64_t>(32, 8192 / cols), chunks = (rows + size - 1) / size;
  std::vector<Sum> part(chunks * cols);
#pragma omp parallel for schedule(static) if (rows * cols >= kParallelGrain)
  for (int64_t k = 0; k < chunks; ++k) {
    Sum* sum = part.data() + k * cols;
    for (int64_t r = k * size; r < std::min(rows, (k + 1) * size); ++r)
#pragma omp simd
      for (int c = 0; c < cols; ++c) sum[c] += Sum(compute_t<T>(x[r * cols + c]));
  }
  for (int c = 0; c < cols; ++c) y[c] = beta == 0 ? Sum(0) : Sum(beta) * y[c];
  for (int64_t k = 0; k < chunks; ++k)
    for (int c = 0; c < cols; ++c) y[c] += part[k * cols + c];
}

template void column_sum<float, float>(Stream, int64_t, int, const float*, float, float*);
template void column_sum<double, double>(Stream, int64_t, int, const double*, float, double*);
template void column_sum<bfloat16, float>(Stream, int64_t, int, const bfloat16*, float, float*);
template void column_sum<float16, float>(Stream, int64_t, int, const float16*, float, float*);

}  // namespace temper
