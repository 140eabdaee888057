// Statistics and the sums of the gradient: one block a chunk, then one thread group a channel over the chunks.
#include "kernels/batch_norm/batch_norm_body.h"
#include "kernels/batch_norm/batch_norm_cuda.h"
#include "kernels/runtime/lane.cuh"

namespace temper::cuda {

using namespace batch_norm_body;

namespace {

constexpr int64_t kMaxChunks = 1024;

/// Sums `a` and `b` over the rows of a block in order of the rows; finish(channel, sum of a, sum of b) once per
/// channel.
template <int V, class S, class F>
__device__ void reduce_rows(const Lane<V>& lane, int channels, const S (&a)[V], const S (&b)[V], F finish) {
  __shared__ S shared[2][kThreads * V];
  const int width = lane.tx * V, first = blockIdx.y * width;
  if (lane.active) {
#pragma unroll
    for (int k = 0; k < V; ++k) {
      shared[0][lane.row * width + lane.channel - first + k] = a[k];
      shared[1][lane.row * width + lane.channel - first + k] = b[k];
    }
  }
  __syncthreads();
  for (int j = threadIdx.x; j < width && first + j < channels; j += kThreads) {
    S sum_a = 0, sum_b = 0;
    for (int r = 0; r < lane.ty; ++r) {
      sum_a += shared[0][r * width + j];
      sum_b += shared[1][r * width + j];
    }
    finish(first + j, sum_a, sum_b);
  }
}

/// Mean and sum of squared deviations of a chunk. Sums are taken around the chunk's first row, which keeps them small
/// wherever the mean is.
template <int V, class T, class S>
__global__ void __launch_bounds__(kThreads) moments_kernel(Chunks chunks, int channels, S* partial, const T* x) {
  const Lane<V> lane(channels);
  const int64_t rows = chunks.rows_of(blockIdx.x);
  x += blockIdx.x * chunks.size * channels;
  S shift[V] = {}, sum[V] = {}, square[V] = {};
  if (lane.active) {
    const auto first = load<V>(x + lane.channel);
#pragma unroll
    for (int k = 0; k < V; ++k) shift[k] = S(first.v[k]);
    Pack<V, T> v[4];
    each_row<4>(
        lane.row, rows, lane.ty, [&](int u, int64_t r) { v[u] = load<V>(x + r * channels + lane.channel); },
        [&](int u, int64_t) {
#pragma unroll
          for (int k = 0; k < V; ++k) {
            const S d = S(v[u].v[k]) - shift[k];
            sum[k] += d;
            square[k] += d * d;
          }
        });
  }
  partial += 2 * blockIdx.x * int64_t(channels);
  reduce_rows<V, S>(lane, channels, sum, square, [&](int c, S s, S q) {
    const S d = s / S(rows), m2 = q - s * d;
    partial[c] = S(x[c]) + d;
    partial[channels + c] = m2 > 0 ? m2 : S(0);
  });
}

template <BatchNormMask mask, int V, class T, class S>
__global__ void __launch_bounds__(kThreads)
    sums_kernel(Chunks chunks, int channels, S* partial, T* dy, const T* x, const T* y, BatchNormAffine<S> a) {
  const Lane<V> lane(channels);
  const int64_t at = blockIdx.x * chunks.size * channels + lane.channel;
  S mean[V], scale[V], beta[V], sum[V] = {}, product[V] = {};
  if (lane.active) {
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const int c = lane.channel + k;
      mean[k] = a.mean[c];
      if (mask == BatchNormMask::from_x) {
        scale[k] = a.invstd[c] * a.gamma[c];
        beta[k] = a.beta[c];
      }
    }
    Pack<V, T> vx[2], vdy[2], vy[2];
    each_row<2>(
        lane.row, chunks.rows_of(blockIdx.x), lane.ty,
        [&](int u, int64_t r) {
          const int64_t i = at + r * channels;
          vx[u] = load<V>(x + i);
          vdy[u] = load<V>(dy + i);
          if (mask == BatchNormMask::from_y) vy[u] = load<V>(y + i);
        },
        [&](int u, int64_t r) {
#pragma unroll
          for (int k = 0; k < V; ++k) {
            const S v = S(vx[u].v[k]);
            S dz = S(vdy[u].v[k]);
            if (mask == BatchNormMask::from_x) dz = affine(v, mean[k], scale[k], beta[k]) > 0 ? dz : S(0);
            if (mask == BatchNormMask::from_y) dz = S(vy[u].v[k]) > 0 ? dz : S(0);
            vdy[u].v[k] = T(dz);
            sum[k] += dz;
            product[k] += dz * (v - mean[k]);
          }
          if (mask == BatchNormMask::from_y) store<V>(dy + at + r * channels, vdy[u]);
        });
  }
  partial += 2 * blockIdx.x * int64_t(channels);
  reduce_rows<V, S>(lane, channels, product, sum, [&](int c, S p, S s) {
    partial[c] = p;
    partial[channels + c] = s;
  });
}

/// A block of 32 channels by 32 lanes goes over all chunks; add(chunk, channel, sums) by every lane, then the lanes'
/// sums in order and finish(channel, sums) once per channel.
template <class Add, class Finish>
__device__ void over_chunks(int64_t count, int channels, Add add, Finish finish) {
  __shared__ double shared[2][32][33];
  const int c = blockIdx.x * 32 + threadIdx.x;
  double sums[2] = {};
  if (c < channels)
#pragma unroll 4
    for (int64_t k = threadIdx.y; k < count; k += 32) add(k, c, sums);
  shared[0][threadIdx.y][threadIdx.x] = sums[0];
  shared[1][threadIdx.y][threadIdx.x] = sums[1];
  __syncthreads();
  if (threadIdx.y != 0 || c >= channels) return;
  for (int r = 1; r < 32; ++r) {
    sums[0] += shared[0][r][threadIdx.x];
    sums[1] += shared[1][r][threadIdx.x];
  }
  finish(c, sums);
}

template <class S>
__global__ void __launch_bounds__(1024) finish_moments_kernel(Chunks chunks, int channels, const S* partial, S* mean,
                                                              S* invstd, double eps, BatchNormRunning<S> running) {
  over_chunks(
      chunks.count, channels,
      [&](int64_t k, int c, double(&sums)[2]) {
        const S* part = partial + 2 * k * channels + c;
        merge(double(chunks.rows_of(k)), double(part[0]) - double(partial[c]), double(part[channels]), sums);
      },
      [&](int c, double(&sums)[2]) { finish(c, chunks.rows, double(partial[c]), sums, mean, invstd, eps, running); });
}

template <class S>
__global__ void __launch_bounds__(1024)
    finish_sums_kernel(Chunks chunks, int channels, const S* partial, S* dgamma, S* dbeta, const S* invstd) {
  over_chunks(
      chunks.count, channels,
      [&](int64_t k, int c, double(&sums)[2]) {
        sums[0] += partial[2 * k * channels + c];
        sums[1] += partial[(2 * k + 1) * channels + c];
      },
      [&](int c, double(&sums)[2]) {
        dgamma[c] = S(sums[0] * invstd[c]);
        dbeta[c] = S(sums[1]);
      });
}

dim3 finish_grid(int channels) { return dim3((channels + 31) / 32); }

}  // namespace

template <class T, class S>
void batch_norm_statistics(Stream stream, int64_t rows, int channels, S* mean, S* invstd, S* workspace, const T* x,
                           double eps, BatchNormRunning<S> running) {
  const Chunks chunks(rows, channels, kMaxChunks);
  with_vector<T>(channels,
                 [&](auto v) {
                   launch(stream, grid<v()>(channels, chunks.count), kThreads, moments_kernel<v(), T, S>, chunks,
                          channels, workspace, x);
                 },
                 {x});
  launch(stream, finish_grid(channels), dim3(32, 32), finish_moments_kernel<S>, chunks, channels, workspace, mean,
         invstd, eps, running);
}

template <class S>
void batch_norm_statistics_of(Stream stream, int64_t rows, int channels, S* mean, S* invstd, const S* sum,
                              const S* squares, double eps, BatchNormRunning<S> running) {
  map(stream, channels, StatisticsOf<S>{rows, mean, invstd, eps, running}, sum, squares);
}

template <class S>
void batch_norm_invstd(Stream stream, int channels, S* invstd, const S* var, double eps) {
  map(stream, channels, InvStd{eps}, write(invstd), var);
}

template <class T, class S>
void batch_norm_backward_sums(Stream stream, int64_t rows, int channels, S* dgamma, S* dbeta, S* workspace, T* dy,
                              const T* x, const T* y, BatchNormAffine<S> affine, BatchNormMask mask) {
  const Chunks chunks(rows, channels, kMaxChunks);
  with_vector<T>(channels,
                 [&](auto v) {
                   with_mask(mask, [&](auto m) {
                     launch(stream, grid<v()>(channels, chunks.count), kThreads, sums_kernel<m(), v(), T, S>, chunks,
                            channels, workspace, dy, x, y, affine);
                   });
                 },
                 {dy, x, y});
  launch(stream, finish_grid(channels), dim3(32, 32), finish_sums_kernel<S>, chunks, channels, workspace, dgamma, dbeta,
         affine.invstd);
}

#define TEMPER_INSTANTIATE(T, S)                                                                                      \
  template void batch_norm_statistics<T, S>(Stream, int64_t, int, S*, S*, S*, const T*, double, BatchNormRunning<S>); \
  template void batch_norm_backward_sums<T, S>(Stream, int64_t, int, S*, S*, S*, T*, const T*, const T*,              \
                                               BatchNormAffine<S>, BatchNormMask);
TEMPER_INSTANTIATE(float, float)
TEMPER_INSTANTIATE(double, double)
TEMPER_INSTANTIATE(bfloat16, float)
TEMPER_INSTANTIATE(float16, float)
#define TEMPER_INSTANTIATE_STATISTICS_OF(S)                                                           \
  template void batch_norm_statistics_of<S>(Stream, int64_t, int, S*, S*, const S*, const S*, double, \
                                            BatchNormRunning<S>);
TEMPER_INSTANTIATE_STATISTICS_OF(float)
TEMPER_INSTANTIATE_STATISTICS_OF(double)
template void batch_norm_invstd<float>(Stream, int, float*, const float*, double);
template void batch_norm_invstd<double>(Stream, int, double*, const double*, double);

}  // namespace temper::cuda
