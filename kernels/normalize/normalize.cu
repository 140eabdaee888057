#include "kernels/normalize/normalize.h"

#include <type_traits>

#include "kernels/runtime/map.h"

namespace temper {

namespace {

/// A number for every channel. K: the channels, 0 where only known at run time.
template <class C, int K>
struct PerChannel {
  static constexpr int kMost = K ? K : ChannelStats::kMaxChannels;
  int channels;
  C value[kMost];
  PerChannel(int n, const double* values) : channels(n) {
    for (int c = 0; c < kMost; ++c) value[c] = C(values[c]);
  }
  /// That of element i. Chosen, not looked up: neighbours have different channels, and a GPU's registers no index.
  TEMPER_HD C of(int64_t i) const {
    const int c = static_cast<int>(i % (K ? K : channels));
    C v = value[0];
#if defined(TEMPER_ON_DEVICE)
#pragma unroll
#endif
    for (int k = 1; k < kMost; ++k) v = c == k ? value[k] : v;
    return v;
  }
};

template <class T, int K>
struct Forward {
  using C = compute_t<T>;
  PerChannel<C, K> mean, std;
  TEMPER_HD void operator()(int64_t i, T& y, C x) const { y = T((x - mean.of(i)) / std.of(i)); }
};

template <class T, int K>
struct Backward {
  using C = compute_t<T>;
  PerChannel<C, K> std;
  TEMPER_HD void operator()(int64_t i, C& dx, T dy) const { dx = C(0) + C(dy) / std.of(i); }
};
template <class T, int K>
struct BackwardAdd {
  using C = compute_t<T>;
  PerChannel<C, K> std;
  C sink;
  TEMPER_HD void operator()(int64_t i, C& dx, T dy) const { dx = sink * dx + C(dy) / std.of(i); }
};

/// f(integral constant K)
template <class F>
void with_channels(int channels, F f) {
  if (channels == 1) return f(std::integral_constant<int, 1>{});
  if (channels == 3) return f(std::integral_constant<int, 3>{});
  f(std::integral_constant<int, 0>{});
}

}  // namespace

template <class T>
void normalize_forward(Stream stream, int64_t pixels, int channels, T* y, const compute_t<T>* x,
                       const ChannelStats& stats) {
  const KernelRange range(stream, "normalize_forward", {pixels, channels});
  with_channels(channels, [&](auto k) {
    map(stream, pixels * channels, Forward<T, k()>{{channels, stats.mean}, {channels, stats.std}}, write(y), x);
  });
}

template <class T>
void normalize_backward(Stream stream, int64_t pixels, int channels, float sink, compute_t<T>* dx, const T* dy,
                        const ChannelStats& stats) {
  const KernelRange range(stream, "normalize_backward", {pixels, channels});
  with_channels(channels, [&](auto k) {
    const PerChannel<compute_t<T>, k()> std(channels, stats.std);
    if (sink == 0)
      map(stream, pixels * channels, Backward<T, k()>{std}, write(dx), dy);
    else
      map(stream, pixels * channels, BackwardAdd<T, k()>{std, compute_t<T>(sink)}, dx, dy);
  });
}

#define TEMPER_INSTANTIATE(T)                                                                             \
  template void normalize_forward<T>(Stream, int64_t, int, T*, const compute_t<T>*, const ChannelStats&); \
  template void normalize_backward<T>(Stream, int64_t, int, float, compute_t<T>*, const T*, const ChannelStats&);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)
TEMPER_INSTANTIATE(bfloat16)
TEMPER_INSTANTIATE(float16)

}  // namespace temper
