#include "kernels/relu/relu.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"

namespace temper {

namespace {

struct Forward {
  template <class T>
  TEMPER_HD void operator()(int64_t, T& y, T x) const {
    y = compute_t<T>(x) <= 0 ? T(0.f) : x;
  }
};

struct Backward {
  template <class T>
  TEMPER_HD void operator()(int64_t, T& dx, T y, T dy) const {
    dx = compute_t<T>(y) > 0 ? dy : T(0.f);
  }
};

struct BackwardAdd {
  template <class T>
  TEMPER_HD void operator()(int64_t, T& dx, T y, T dy) const {
    using C = compute_t<T>;
    dx = T(C(dx) + (C(y) > 0 ? C(dy) : C(0)));
  }
};

}  // namespace

template <class T>
void relu_forward(Stream stream, int64_t n, T* y, const T* x) {
  const KernelRange range(stream, "relu_forward", {n});
  map(stream, n, Forward{}, write(y), x);
}

template <class T>
void relu_backward(Stream stream, int64_t n, const T* y, const T* dy, float beta, T* dx) {
  const KernelRange range(stream, "relu_backward", {n});
  if (beta == 0)
    map(stream, n, Backward{}, write(dx), y, dy);
  else
    map(stream, n, BackwardAdd{}, dx, y, dy);
}

#define TEMPER_INSTANTIATE(T)                                   \
  template void relu_forward<T>(Stream, int64_t, T*, const T*); \
  template void relu_backward<T>(Stream, int64_t, const T*, const T*, float, T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)
TEMPER_INSTANTIATE(bfloat16)
TEMPER_INSTANTIATE(float16)

}  // namespace temper
