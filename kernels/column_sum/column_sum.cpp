#include "kernels/column_sum/column_sum.h"

#include "kernels/runtime/chunks.h"
#include "kernels/runtime/map.h"
#if defined(TEMPER_CUDA)
#include "kernels/column_sum/column_sum_cuda.h"
#endif
#include "kernels/runtime/pair.h"

namespace temper {

int64_t column_sum_workspace(int64_t rows, int cols) { return cols == 0 ? 0 : Chunks(rows, cols).count * cols; }

template <class T, class Sum>
void column_sum(Stream stream, int64_t rows, int cols, Sum* y, Sum* workspace, const T* x, float beta) {
  const KernelRange range(stream, "column_sum", {rows, cols});
  if (cols == 0) return;
  TEMPER_CUDA_HALF(column_sum, stream, rows, cols, y, workspace, x, beta);
  const Chunks chunks(rows, cols);
  each_item(team_for(stream, rows * cols), chunks.count, [&](int64_t k, int) {
    Sum* sum = workspace + k * cols;
    const T* from = x + k * chunks.size * cols;
    for (int c = 0; c < cols; ++c) sum[c] = 0;
    for (int64_t r = 0; r < chunks.rows_of(k); ++r)
#pragma omp simd
      for (int c = 0; c < cols; ++c) sum[c] += Sum(compute_t<T>(from[r * cols + c]));
  });
  for (int c = 0; c < cols; ++c) y[c] = beta == 0 ? Sum(0) : Sum(beta) * y[c];
  for (int64_t k = 0; k < chunks.count; ++k)
    for (int c = 0; c < cols; ++c) y[c] += workspace[k * cols + c];
}

template void column_sum<float, float>(Stream, int64_t, int, float*, float*, const float*, float);
template void column_sum<double, double>(Stream, int64_t, int, double*, double*, const double*, float);
template void column_sum<bfloat16, float>(Stream, int64_t, int, float*, float*, const bfloat16*, float);
template void column_sum<float16, float>(Stream, int64_t, int, float*, float*, const float16*, float);

}  // namespace temper
