#include "kernels/row_sum/row_sum.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct Sum {
  T* y;
  const T* x;
  T factor;
  TEMPER_HD void operator()(const Row& row) const {
    const T sum = row.sum([](int, T v) { return v; }, x + row.at(0));
    row.once([&] { y[row.index] = factor * sum; });
  }
};

template <class T>
struct Spread {
  const T* dy;
  int cols;
  TEMPER_HD void operator()(int64_t i, T& dx) const { dx = dy[i / cols]; }
};

template <class T>
struct SpreadAdd {
  const T* dy;
  int cols;
  T beta;
  TEMPER_HD void operator()(int64_t i, T& dx) const { dx = beta * dx + dy[i / cols]; }
};

}  // namespace

template <class T>
void row_sum(Stream stream, int64_t rows, int cols, T* y, const T* x, double factor) {
  const KernelRange range(stream, "row_sum", {rows, cols});
  for_each_row(stream, rows, cols, Sum<T>{y, x, T(factor)});
}

template <class T>
void row_sum_backward(Stream stream, int64_t rows, int cols, const T* dy, float beta, T* dx) {
  const KernelRange range(stream, "row_sum_backward", {rows, cols});
  if (beta == 0)
    map(stream, rows * cols, Spread<T>{dy, cols}, write(dx));
  else
    map(stream, rows * cols, SpreadAdd<T>{dy, cols, beta}, dx);
}

#define TEMPER_INSTANTIATE(T)                                           \
  template void row_sum<T>(Stream, int64_t, int, T*, const T*, double); \
  template void row_sum_backward<T>(Stream, int64_t, int, const T*, float, T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
