#include "kernels/axpby/axpby.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Scale {
  compute_t<T> alpha;
  TEMPER_HD void operator()(int64_t, T& y, T x) const { y = T(alpha * compute_t<T>(x)); }
};

template <class T>
struct Sum {
  compute_t<T> alpha, beta;
  TEMPER_HD void operator()(int64_t, T& z, T x, T y) const { z = T(alpha * compute_t<T>(x) + beta * compute_t<T>(y)); }
};

template <class T>
struct AddTo {
  compute_t<T> alpha, beta;
  TEMPER_HD void operator()(int64_t, T& y, T x) const { y = T(alpha * compute_t<T>(x) + beta * compute_t<T>(y)); }
};

// The same with a factor that is read when the kernel starts.
template <class T>
struct LiveScale {
  ScalarArg<float> alpha;
  TEMPER_HD Scale<T> bind() const { return {compute_t<T>(alpha.now())}; }
};
template <class T>
struct LiveSum {
  compute_t<T> alpha;
  ScalarArg<float> beta;
  ScalarArg<uint32_t> moves;
  TEMPER_HD bool skip() const { return moves.now() == 0; }
  TEMPER_HD Sum<T> bind() const { return {alpha, compute_t<T>(beta.now())}; }
};
template <class T>
struct LiveAddTo {
  ScalarArg<float> alpha;
  compute_t<T> beta;
  TEMPER_HD AddTo<T> bind() const { return {compute_t<T>(alpha.now()), beta}; }
};

template <class T>
struct Spread {
  const T* s;
  compute_t<T> scale, beta;
  TEMPER_HD void operator()(int64_t, T& y) const {
    y = T(scale * compute_t<T>(*s) + (beta ? beta * compute_t<T>(y) : 0));
  }
};

}  // namespace

template <class T>
void axpby(Stream stream, int64_t n, ScalarArg<float> alpha, const T* x, float beta, T* y) {
  const KernelRange range(stream, "axpby", {n});
  if (beta == 0)
    map(stream, n, LiveScale<T>{alpha}, write(y), x);
  else
    map(stream, n, LiveAddTo<T>{alpha, beta}, y, x);
}

template <class T>
void weighted_sum(Stream stream, int64_t n, float alpha, const T* x, ScalarArg<float> beta, const T* y, T* z,
                  ScalarArg<uint32_t> moves) {
  const KernelRange range(stream, "weighted_sum", {n});
  map(stream, n, LiveSum<T>{alpha, beta, moves}, write(z), x, y);
}

template <class T>
void add_scalar(Stream stream, int64_t n, double scale, const T* s, float beta, T* y) {
  const KernelRange range(stream, "add_scalar", {n});
  map(stream, n, Spread<T>{s, compute_t<T>(scale), beta}, y);
}

#define TEMPER_INSTANTIATE(T)                                                                     \
  template void axpby<T>(Stream, int64_t, ScalarArg<float>, const T*, float, T*);                 \
  template void weighted_sum<T>(Stream, int64_t, float, const T*, ScalarArg<float>, const T*, T*, \
                                ScalarArg<uint32_t>);                                             \
  template void add_scalar<T>(Stream, int64_t, double, const T*, float, T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)
TEMPER_INSTANTIATE(bfloat16)
TEMPER_INSTANTIATE(float16)

}  // namespace temper
