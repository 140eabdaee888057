#include "kernels/relative_step/relative_step.h"

#include <cmath>

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Along {
  T factor;
  TEMPER_HD void operator()(int64_t, T& w, T g) const { w = w + factor * g; }
};

/// With the norms that are there when the kernel starts.
template <class T>
struct LiveAlong {
  RelativeStep<T> step;
  /// A sum that is infinite or NaN differs from itself when it is taken from itself.
  TEMPER_HD static bool finite(T sum) { return sum - sum == T(0); }
  TEMPER_HD bool skip() const { return !finite(*step.square_w) || !finite(*step.square_g); }
  TEMPER_HD Along<T> bind() const {
    return {T(step.share) * std::sqrt(*step.square_w) / (std::sqrt(*step.square_g) + T(1e-20))};
  }
};

}  // namespace

template <class T>
void relative_step(Stream stream, int64_t n, T* w, const T* g, const RelativeStep<T>& step) {
  const KernelRange range(stream, "relative_step", {n});
  map(stream, n, LiveAlong<T>{step}, w, g);
}

template void relative_step<float>(Stream, int64_t, float*, const float*, const RelativeStep<float>&);
template void relative_step<double>(Stream, int64_t, double*, const double*, const RelativeStep<double>&);

}  // namespace temper
