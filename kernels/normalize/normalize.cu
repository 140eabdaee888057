#include "kernels/normalize/normalize.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

// One body per pixel: the channel is a loop counter, so no element needs a division to find its own.
template <class T>
struct Forward {
  using C = compute_t<T>;
  int channels;
  T* y;
  const C* x;
  ChannelStats stats;
  HD void operator()(int64_t i) const {
    for (int c = 0; c < channels; ++c)
      y[i * channels + c] = T((x[i * channels + c] - C(stats.mean[c])) / C(stats.std[c]));
  }
};

template <class T>
struct Backward {
  using C = compute_t<T>;
  int channels;
  float sink;
  C* dx;
  const T* dy;
  ChannelStats stats;
  HD void operator()(int64_t i) const {
    for (int c = 0; c < channels; ++c) {
      C& into = dx[i * channels + c];
      into = (sink == 0 ? C(0) : C(sink) * into) + C(dy[i * channels + c]) / C(stats.std[c]);
    }
  }
};

}  // namespace

template <class T>
void normalize_forward(Stream stream, int64_t pixels, int channels, T* y, const compute_t<T>* x,
                       const ChannelStats& stats) {
  const KernelRange range(stream, "normalize_forward", {pixels, channels});
  map(stream, pixels, Forward<T>{channels, y, x, stats});
}

template <class T>
void normalize_backward(Stream stream, int64_t pixels, int channels, float sink, compute_t<T>* dx, const T* dy,
                        const ChannelStats& stats) {
  const KernelRange range(stream, "normalize_backward", {pixels, channels});
  map(stream, pixels, Backward<T>{channels, sink, dx, dy, stats});
}

#define INSTANTIATE(T)                                                                                    \
  template void normalize_forward<T>(Stream, int64_t, int, T*, const compute_t<T>*, const ChannelStats&); \
  template void normalize_backward<T>(Stream, int64_t, int, float, compute_t<T>*, const T*, const ChannelStats&);
INSTANTIATE(float)
INSTANTIATE(double)
INSTANTIATE(bfloat16)
INSTANTIATE(float16)

}  // namespace temper
