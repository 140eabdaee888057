#include "kernels/unscale/unscale.h"

#include <cmath>

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Unscale {
  T factor;
  float* fault;
  HD void operator()(int64_t, T& x) const {
    x = factor * x;
    if (fault && !(x - x == T(0))) raise();
  }
  /// Whoever writes, writes the same.
  HD void raise() const {
#if defined(__CUDA_ARCH__)
    *fault = INFINITY;
#else
    const float infinity = INFINITY;
    __atomic_store(fault, &infinity, __ATOMIC_RELAXED);
#endif
  }
};

}  // namespace

template <class T>
void unscale(Stream stream, int64_t n, T factor, T* x, float* fault) {
  const KernelRange range(stream, "unscale", {n});
  map(stream, n, Unscale<T>{factor, fault}, x);
}

template void unscale<float>(Stream, int64_t, float, float*, float*);
template void unscale<double>(Stream, int64_t, double, double*, float*);

}  // namespace temper
