#include "kernels/squared_error/squared_error.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct Forward {
  T* y;
  const T *a, *b;
  TEMPER_HD void operator()(const Row& row) const {
    const T sum = row.sum([](int, T a, T b) { return (a - b) * (a - b); }, a + row.at(0), b + row.at(0));
    row.once([&] { y[row.index] = sum; });
  }
};

template <class T>
struct Backward {
  const T* dy;
  T factor, beta;
  TEMPER_HD void operator()(int64_t, T& da, T a, T b) const { da = factor * *dy * (a - b) + (beta ? beta * da : T(0)); }
};

}  // namespace

template <class T>
void squared_error(Stream stream, int64_t rows, int cols, T* y, const T* a, const T* b) {
  const KernelRange range(stream, "squared_error", {rows, cols});
  for_each_row(stream, rows, cols, Forward<T>{y, a, b});
}

template <class T>
void squared_error_backward(Stream stream, int64_t n, float beta, T* da, const T* a, const T* b, const T* dy,
                            double factor) {
  const KernelRange range(stream, "squared_error_backward", {n});
  map(stream, n, Backward<T>{dy, T(2 * factor), T(beta)}, da, a, b);
}

#define TEMPER_INSTANTIATE(T)                                                   \
  template void squared_error<T>(Stream, int64_t, int, T*, const T*, const T*); \
  template void squared_error_backward<T>(Stream, int64_t, float, T*, const T*, const T*, const T*, double);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
