// The passes without a reduction: forward, and the gradient of x.
#include "kernels/batch_norm/batch_norm_body.h"
#include "kernels/batch_norm/batch_norm_cuda.h"
#include "kernels/runtime/lane.cuh"

namespace temper::cuda {

using namespace batch_norm_body;

namespace {

template <bool add, int V, class T, class S>
__global__ void __launch_bounds__(kThreads)
    apply_kernel(int64_t rows, int channels, T* y, const T* x, const T* residual, BatchNormAffine<S> a, S lowest) {
  const Lane<V> lane(channels);
  if (!lane.active) return;
  S mean[V], scale[V], beta[V];
#pragma unroll
  for (int k = 0; k < V; ++k) {
    const int c = lane.channel + k;
    mean[k] = a.mean[c];
    scale[k] = a.invstd[c] * a.gamma[c];
    beta[k] = a.beta[c];
  }
  Pack<V, T> v[4], r[4];
  each_row<4>(
      blockIdx.x * int64_t(lane.ty) + lane.row, rows, int64_t(gridDim.x) * lane.ty,
      [&](int u, int64_t row) {
        v[u] = load<V>(x + row * channels + lane.channel);
        if (add) r[u] = load<V>(residual + row * channels + lane.channel);
      },
      [&](int u, int64_t row) {
#pragma unroll
        for (int k = 0; k < V; ++k) {
          S t = affine(S(v[u].v[k]), mean[k], scale[k], beta[k]);
          if (add) t += S(r[u].v[k]);
          v[u].v[k] = T(t < lowest ? lowest : t);
        }
        store<V>(y + row * channels + lane.channel, v[u]);
      });
}

template <bool masked, bool add, int V, class T, class S>
__global__ void __launch_bounds__(kThreads)
    batch_kernel(int64_t rows, int channels, S sink, S share, T* dx, const T* dy, const T* x, const S* dgamma,
                 const S* dbeta, BatchNormAffine<S> a) {
  const Lane<V> lane(channels);
  if (!lane.active) return;
  S mean[V], scale[V], beta[V], shift[V], slope[V];
#pragma unroll
  for (int k = 0; k < V; ++k) {
    const int c = lane.channel + k;
    mean[k] = a.mean[c];
    scale[k] = a.invstd[c] * a.gamma[c];
    if (masked) beta[k] = a.beta[c];
    shift[k] = dbeta[c] * share;
    slope[k] = a.invstd[c] * dgamma[c] * share;
  }
  Pack<V, T> vx[2], vdy[2], old[2];
  each_row<2>(
      blockIdx.x * int64_t(lane.ty) + lane.row, rows, int64_t(gridDim.x) * lane.ty,
      [&](int u, int64_t row) {
        const int64_t i = row * channels + lane.channel;
        vx[u] = load<V>(x + i);
        vdy[u] = load<V>(dy + i);
        if (add) old[u] = load<V>(dx + i);
      },
      [&](int u, int64_t row) {
#pragma unroll
        for (int k = 0; k < V; ++k) {
          const S v = S(vx[u].v[k]);
          S dz = S(vdy[u].v[k]);
          if (masked) dz = affine(v, mean[k], scale[k], beta[k]) > 0 ? dz : S(0);
          S g = input_gradient(dz, v, mean[k], scale[k], shift[k], slope[k]);
          if (add) g += sink * S(old[u].v[k]);
          vdy[u].v[k] = T(g);
        }
        store<V>(dx + row * channels + lane.channel, vdy[u]);
      });
}

template <bool masked, bool add, int V, class T, class S>
__global__ void __launch_bounds__(kThreads) running_kernel(int64_t rows, int channels, S sink, T* dx, const T* dy,
                                                           const T* y, const S* invstd, const S* gamma) {
  const Lane<V> lane(channels);
  if (!lane.active) return;
  S scale[V];
#pragma unroll
  for (int k = 0; k < V; ++k) scale[k] = invstd[lane.channel + k] * gamma[lane.channel + k];
  constexpr int kFlight = masked && add ? 2 : 4;  // rows of loads in flight: as many as registers allow
  Pack<V, T> vdy[kFlight], vy[kFlight], old[kFlight];
  each_row<kFlight>(
      blockIdx.x * int64_t(lane.ty) + lane.row, rows, int64_t(gridDim.x) * lane.ty,
      [&](int u, int64_t row) {
        const int64_t i = row * channels + lane.channel;
        vdy[u] = load<V>(dy + i);
        if (masked) vy[u] = load<V>(y + i);
        if (add) old[u] = load<V>(dx + i);
      },
      [&](int u, int64_t row) {
#pragma unroll
        for (int k = 0; k < V; ++k) {
          S g = scale[k] * S(vdy[u].v[k]);
          if (masked) g = S(vy[u].v[k]) > 0 ? g : S(0);
          if (add) g += sink * S(old[u].v[k]);
          vdy[u].v[k] = T(g);
        }
        store<V>(dx + row * channels + lane.channel, vdy[u]);
      });
}

}  // namespace

template <class T, class S>
void batch_norm_apply(Stream stream, int64_t rows, int channels, T* y, const T* x, const T* residual,
                      BatchNormAffine<S> affine, BatchNormRelu relu) {
  with_vector<T>(channels,
                 [&](auto v) {
                   with_flag(residual, [&](auto add) {
                     launch(stream, apply_grid<v()>(rows, channels), kThreads, apply_kernel<add(), v(), T, S>, rows,
                            channels, y, x, residual, affine, lowest_output<S>(relu));
                   });
                 },
                 {y, x, residual});
}

template <class T, class S>
void batch_norm_backward_batch(Stream stream, int64_t rows, int channels, float sink, T* dx, const T* dy, const T* x,
                               const S* dgamma, const S* dbeta, BatchNormAffine<S> affine, BatchNormMask mask) {
  with_vector<T>(channels,
                 [&](auto v) {
                   with_flag(mask == BatchNormMask::from_x, [&](auto masked) {
                     with_flag(sink != 0, [&](auto add) {
                       launch(stream, apply_grid<v()>(rows, channels), kThreads,
                              batch_kernel<masked(), add(), v(), T, S>, rows, channels, S(sink), S(1) / S(rows), dx, dy,
                              x, dgamma, dbeta, affine);
                     });
                   });
                 },
                 {dx, dy, x});
}

template <class T, class S>
void batch_norm_backward_running(Stream stream, int64_t rows, int channels, float sink, T* dx, const T* dy, const T* y,
                                 const S* invstd, const S* gamma) {
  with_vector<T>(channels,
                 [&](auto v) {
                   with_flag(y, [&](auto masked) {
                     with_flag(sink != 0, [&](auto add) {
                       launch(stream, apply_grid<v()>(rows, channels), kThreads,
                              running_kernel<masked(), add(), v(), T, S>, rows, channels, S(sink), dx, dy, y, invstd,
                              gamma);
                     });
                   });
                 },
                 {dx, dy, y});
}

#define TEMPER_INSTANTIATE(T, S)                                                                                 \
  template void batch_norm_apply<T, S>(Stream, int64_t, int, T*, const T*, const T*, BatchNormAffine<S>,         \
                                       BatchNormRelu);                                                           \
  template void batch_norm_backward_batch<T, S>(Stream, int64_t, int, float, T*, const T*, const T*, const S*,   \
                                                const S*, BatchNormAffine<S>, BatchNormMask);                    \
  template void batch_norm_backward_running<T, S>(Stream, int64_t, int, float, T*, const T*, const T*, const S*, \
                                                  const S*);
TEMPER_INSTANTIATE(float, float)
TEMPER_INSTANTIATE(double, double)
TEMPER_INSTANTIATE(bfloat16, float)
TEMPER_INSTANTIATE(float16, float)

}  // namespace temper::cuda
