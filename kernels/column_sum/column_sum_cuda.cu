#include "kernels/column_sum/column_sum_cuda.h"

#include "kernels/runtime/chunks.h"
#include "kernels/runtime/dtype.h"
#include "kernels/runtime/lane.cuh"

namespace temper::cuda {

namespace {

/// A block sums a chunk of rows: each thread its rows of V columns, then the threads' sums in order. `whole`: V columns
/// can be read at once.
template <int V, class T, class Sum>
__global__ void __launch_bounds__(kThreads)
    chunk_kernel(Chunks chunks, int cols, bool whole, Sum* partial, const T* x) {
  __shared__ Sum shared[kThreads * V];
  const Lane<V> lane(cols);
  const int width = lane.tx * V, first = blockIdx.y * width;
  Sum sum[V] = {};
  if (lane.active) {
    x += blockIdx.x * chunks.size * cols + lane.channel;
    Pack<V, T> v[4];
    each_row<4>(
        lane.row, chunks.rows_of(blockIdx.x), lane.ty,
        [&](int u, int64_t r) {
          if (whole) {
            v[u] = load<V>(x + r * cols);
          } else {
#pragma unroll
            for (int k = 0; k < V; ++k) v[u].v[k] = x[r * cols + k];
          }
        },
        [&](int u, int64_t) {
#pragma unroll
          for (int k = 0; k < V; ++k) sum[k] += Sum(compute_t<T>(v[u].v[k]));
        });
#pragma unroll
    for (int k = 0; k < V; ++k) shared[lane.row * width + lane.channel - first + k] = sum[k];
  }
  __syncthreads();
  for (int j = threadIdx.x; j < width && first + j < cols; j += kThreads) {
    Sum total = 0;
    for (int r = 0; r < lane.ty; ++r) total += shared[r * width + j];
    partial[blockIdx.x * int64_t(cols) + first + j] = total;
  }
}

/// 32 columns by 32 lanes, each with four sums over the chunks so that four loads are in flight; then the lanes in
/// order.
template <class Sum>
__global__ void __launch_bounds__(1024) finish_kernel(int64_t count, int cols, Sum* y, const Sum* partial, Sum beta) {
  __shared__ Sum shared[32][33];
  const int c = blockIdx.x * 32 + threadIdx.x;
  Sum part[4] = {};
  if (c < cols)
    for (int64_t chunk = threadIdx.y; chunk < count; chunk += 4 * 32) {
#pragma unroll
      for (int u = 0; u < 4; ++u)
        if (chunk + u * 32 < count) part[u] += partial[(chunk + u * 32) * cols + c];
    }
  shared[threadIdx.y][threadIdx.x] = (part[0] + part[1]) + (part[2] + part[3]);
  __syncthreads();
  if (threadIdx.y != 0 || c >= cols) return;
  Sum sum = 0;
  for (int lane = 0; lane < 32; ++lane) sum += shared[lane][threadIdx.x];
  y[c] = (beta == 0 ? Sum(0) : beta * y[c]) + sum;
}

template <int V, class T, class Sum>
void sum_chunks(Stream stream, const Chunks& chunks, int cols, Sum* partial, const T* x) {
  if (chunks.count == 0) return;
  launch(stream, grid<V>(cols, chunks.count), kThreads, chunk_kernel<V, T, Sum>, chunks, cols,
         temper::detail::aligned<V>(x), partial, x);
}

}  // namespace

template <class T, class Sum>
void column_sum(Stream stream, int64_t rows, int cols, Sum* y, Sum* workspace, const T* x, float beta) {
  const Chunks chunks(rows, cols);
  if (cols % kVector<T> == 0)  // not where x starts: that must not change the order of a sum
    sum_chunks<kVector<T>>(stream, chunks, cols, workspace, x);
  else
    sum_chunks<1>(stream, chunks, cols, workspace, x);
  launch(stream, (cols + 31) / 32, dim3(32, 32), finish_kernel<Sum>, chunks.count, cols, y, workspace, Sum(beta));
}

template void column_sum<float, float>(Stream, int64_t, int, float*, float*, const float*, float);
template void column_sum<double, double>(Stream, int64_t, int, double*, double*, const double*, float);
template void column_sum<bfloat16, float>(Stream, int64_t, int, float*, float*, const bfloat16*, float);
template void column_sum<float16, float>(Stream, int64_t, int, float*, float*, const float16*, float);

}  // namespace temper::cuda
