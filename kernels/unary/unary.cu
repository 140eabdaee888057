#include "kernels/unary/unary.h"

#include <cmath>

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Log {
  T plus;
  TEMPER_HD void operator()(int64_t, T& y, T x) const { y = std::log(x + plus); }
};

template <class T>
struct Exp {
  TEMPER_HD void operator()(int64_t, T& y, T x) const { y = std::exp(x); }
};

template <class T>
struct SubtractFrom {
  T one;
  TEMPER_HD void operator()(int64_t, T& y, T x) const { y = one - x; }
};

template <class T>
struct Clamp {
  T low, high;
  TEMPER_HD void operator()(int64_t, T& y, T x) const { y = x < low ? low : x > high ? high : x; }
};

template <class T>
struct LogGradient {
  T plus;
  TEMPER_HD T operator()(T x, T dy) const { return dy / (x + plus); }
};

template <class T>
struct ClampGradient {
  T low, high;
  TEMPER_HD T operator()(T x, T dy) const { return x >= low && x <= high ? dy : T(0); }
};

/// dx = [beta * dx +] gradient(x, dy).
template <class T, class Gradient>
struct Put {
  Gradient gradient;
  TEMPER_HD void operator()(int64_t, T& dx, T x, T dy) const { dx = gradient(x, dy); }
};
template <class T, class Gradient>
struct Add {
  Gradient gradient;
  T beta;
  TEMPER_HD void operator()(int64_t, T& dx, T x, T dy) const { dx = beta * dx + gradient(x, dy); }
};

template <class T, class Gradient>
void backward(Stream stream, int64_t n, Gradient gradient, const T* x, const T* dy, float beta, T* dx) {
  if (beta == 0)
    map(stream, n, Put<T, Gradient>{gradient}, write(dx), x, dy);
  else
    map(stream, n, Add<T, Gradient>{gradient, beta}, dx, x, dy);
}

}  // namespace

template <class T>
void log_forward(Stream stream, int64_t n, double plus, T* y, const T* x) {
  const KernelRange range(stream, "log_forward", {n});
  map(stream, n, Log<T>{T(plus)}, write(y), x);
}

template <class T>
void log_backward(Stream stream, int64_t n, double plus, const T* x, const T* dy, float beta, T* dx) {
  const KernelRange range(stream, "log_backward", {n});
  backward(stream, n, LogGradient<T>{T(plus)}, x, dy, beta, dx);
}

template <class T>
void exp_forward(Stream stream, int64_t n, T* y, const T* x) {
  const KernelRange range(stream, "exp_forward", {n});
  map(stream, n, Exp<T>{}, write(y), x);
}

template <class T>
void subtract_from(Stream stream, int64_t n, double one, T* y, const T* x) {
  const KernelRange range(stream, "subtract_from", {n});
  map(stream, n, SubtractFrom<T>{T(one)}, write(y), x);
}

template <class T>
void clamp_forward(Stream stream, int64_t n, ClampRange to, T* y, const T* x) {
  const KernelRange range(stream, "clamp_forward", {n});
  map(stream, n, Clamp<T>{T(to.low), T(to.high)}, write(y), x);
}

template <class T>
void clamp_backward(Stream stream, int64_t n, ClampRange to, const T* x, const T* dy, float beta, T* dx) {
  const KernelRange range(stream, "clamp_backward", {n});
  backward(stream, n, ClampGradient<T>{T(to.low), T(to.high)}, x, dy, beta, dx);
}

#define TEMPER_INSTANTIATE(T)                                                            \
  template void log_forward<T>(Stream, int64_t, double, T*, const T*);                   \
  template void log_backward<T>(Stream, int64_t, double, const T*, const T*, float, T*); \
  template void exp_forward<T>(Stream, int64_t, T*, const T*);                           \
  template void subtract_from<T>(Stream, int64_t, double, T*, const T*);                 \
  template void clamp_forward<T>(Stream, int64_t, ClampRange, T*, const T*);             \
  template void clamp_backward<T>(Stream, int64_t, ClampRange, const T*, const T*, float, T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
