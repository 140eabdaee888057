#include "kernels/silu/silu.h"

#include <cmath>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class C>
TEMPER_HD C logistic(C x) {
  return C(1) / (C(1) + std::exp(-x));
}

struct Forward {
  template <class T>
  TEMPER_HD void operator()(int64_t, T& y, T x) const {
    const compute_t<T> v = x;
    y = T(v * logistic(v));
  }
};

template <class C>
TEMPER_HD C gradient(C x, C dy) {
  const C s = logistic(x);
  return dy * s * (C(1) + x * (C(1) - s));
}

struct Backward {
  template <class T>
  TEMPER_HD void operator()(int64_t, T& dx, T x, T dy) const {
    using C = compute_t<T>;
    dx = T(gradient(C(x), C(dy)));
  }
};

struct BackwardAdd {
  template <class T>
  TEMPER_HD void operator()(int64_t, T& dx, T x, T dy) const {
    using C = compute_t<T>;
    dx = T(C(dx) + gradient(C(x), C(dy)));
  }
};

}  // namespace

template <class T>
void silu_forward(Stream stream, int64_t n, T* y, const T* x) {
  const KernelRange range(stream, "silu_forward", {n});
  map(stream, n, Forward{}, write(y), x);
}

template <class T>
void silu_backward(Stream stream, int64_t n, const T* x, const T* dy, float beta, T* dx) {
  const KernelRange range(stream, "silu_backward", {n});
  if (beta == 0)
    map(stream, n, Backward{}, write(dx), x, dy);
  else
    map(stream, n, BackwardAdd{}, dx, x, dy);
}

#define TEMPER_INSTANTIATE(T)                                   \
  template void silu_forward<T>(Stream, int64_t, T*, const T*); \
  template void silu_backward<T>(Stream, int64_t, const T*, const T*, float, T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)
TEMPER_INSTANTIATE(bfloat16)
TEMPER_INSTANTIATE(float16)

}  // namespace temper
