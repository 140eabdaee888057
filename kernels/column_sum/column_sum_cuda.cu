#include "kernels/column_sum/column_sum_cuda.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/launch.h"

namespace temper::cuda {

namespace {

/// 32 columns by 32 lanes of rows, each with four sums so that four loads are in flight; then the lanes in order.
template <class T, class Sum>
__global__ void __launch_bounds__(1024) kernel(int64_t rows, int cols, const T* x, Sum beta, Sum* y) {
  __shared__ Sum shared[32][33];
  const int c = blockIdx.x * 32 + threadIdx.x;
  Sum part[4] = {};
  if (c < cols)
    for (int64_t row = threadIdx.y; row < rows; row += 4 * 32) {
#pragma unroll
      for (int u = 0; u < 4; ++u)
        if (row + u * 32 < rows) part[u] += Sum(compute_t<T>(x[(row + u * 32) * cols + c]));
    }
  shared[threadIdx.y][threadIdx.x] = (part[0] + part[1]) + (part[2] + part[3]);
  __syncthreads();
  if (threadIdx.y != 0 || c >= cols) return;
  Sum sum = 0;
  for (int lane = 0; lane < 32; ++lane) sum += shared[lane][threadIdx.x];
  y[c] = (beta == 0 ? Sum(0) : beta * y[c]) + sum;
}

}  // namespace

template <class T, class Sum>
void column_sum(Stream stream, int64_t rows, int cols, const T* x, float beta, Sum* y) {
  if (cols == 0) return;
  launch(stream, (cols + 31) / 32, dim3(32, 32), kernel<T, Sum>, rows, cols, x, Sum(beta), y);
}

template void column_sum<float, float>(Stream, int64_t, int, const float*, float, float*);
template void column_sum<double, double>(Stream, int64_t, int, const double*, float, double*);
template void column_sum<bfloat16, float>(Stream, int64_t, int, const bfloat16*, float, float*);
template void column_sum<float16, float>(Stream, int64_t, int, const float16*, float, float*);

}  // namespace temper::cuda
