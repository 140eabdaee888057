#include "kernels/clip_gradient/clip_gradient.h"

#include <cmath>

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Clip {
  T factor, value;
  TEMPER_HD void operator()(int64_t, T& g) const {
    const T scaled = g * factor;
    g = value == T(0) ? scaled : scaled < -value ? -value : scaled > value ? value : scaled;
  }
};

/// With the norm that is there when the kernel starts.
template <class T>
struct LiveClip {
  const T* square_sum;
  ClipLimits limits;
  TEMPER_HD T factor() const {
    if (limits.norm == 0) return 1;
    const T factor = T(limits.norm) / (std::sqrt(*square_sum) + T(1e-6));
    return factor > T(1) ? T(1) : factor;
  }
  TEMPER_HD bool skip() const { return limits.value == 0 && factor() == T(1); }
  TEMPER_HD Clip<T> bind() const { return {factor(), T(limits.value)}; }
};

}  // namespace

template <class T>
void clip_gradient(Stream stream, int64_t n, T* g, const T* square_sum, ClipLimits limits) {
  const KernelRange range(stream, "clip_gradient", {n});
  map(stream, n, LiveClip<T>{square_sum, limits}, g);
}

template void clip_gradient<float>(Stream, int64_t, float*, const float*, ClipLimits);
template void clip_gradient<double>(Stream, int64_t, double*, const double*, ClipLimits);

}  // namespace temper
