#include "kernels/pick/pick.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct Pick {
  const T* x;
  int cols;
  TEMPER_HD void operator()(int64_t r, T& y, int32_t column) const {
    y = column >= 0 && column < cols ? x[r * cols + column] : T(NAN);
  }
};

template <class T>
struct Scatter {
  const T* dy;
  const int32_t* column;
  int cols;
  TEMPER_HD T at(int64_t i) const { return i % cols == column[i / cols] ? dy[i / cols] : T(0); }
  TEMPER_HD void operator()(int64_t i, T& dx) const { dx = at(i); }
};

template <class T>
struct ScatterAdd {
  Scatter<T> of;
  T beta;
  TEMPER_HD void operator()(int64_t i, T& dx) const { dx = beta * dx + of.at(i); }
};

template <class T>
struct RowMax {
  T* y;
  int32_t* column;
  const T* x;
  const int32_t* except;
  TEMPER_HD void operator()(const Row& row) const {
    const T* v = x + row.at(0);
    const int out = except ? except[row.index] : -1;
    const bool nan = row.max([&](int c, T v) { return c != out && v != v ? 1 : 0; }, v) == 1;
    if (nan || (except && (out < 0 || out >= row.size)))
      return row.once([&] {
        y[row.index] = T(NAN);
        column[row.index] = -1;
      });
    const T most = row.max([&](int c, T v) { return c == out ? -T(INFINITY) : v; }, v);
    const int first = -row.max([&](int c, T v) { return c != out && v == most ? -c : -row.size; }, v);
    row.once([&] {
      y[row.index] = most;
      column[row.index] = first;
    });
  }
};

}  // namespace

template <class T>
void pick(Stream stream, int64_t rows, int cols, T* y, const T* x, const int32_t* column) {
  const KernelRange range(stream, "pick", {rows, cols});
  map(stream, rows, Pick<T>{x, cols}, write(y), column);
}

template <class T>
void pick_backward(Stream stream, int64_t rows, int cols, const T* dy, const int32_t* column, float beta, T* dx) {
  const KernelRange range(stream, "pick_backward", {rows, cols});
  const Scatter<T> scatter{dy, column, cols};
  if (beta == 0)
    map(stream, rows * cols, scatter, write(dx));
  else
    map(stream, rows * cols, ScatterAdd<T>{scatter, beta}, dx);
}

template <class T>
void row_max(Stream stream, int64_t rows, int cols, T* y, int32_t* column, const T* x, const int32_t* except) {
  const KernelRange range(stream, "row_max", {rows, cols});
  for_each_row(stream, rows, cols, RowMax<T>{y, column, x, except});
}

#define TEMPER_INSTANTIATE(T)                                                                \
  template void pick<T>(Stream, int64_t, int, T*, const T*, const int32_t*);                 \
  template void pick_backward<T>(Stream, int64_t, int, const T*, const int32_t*, float, T*); \
  template void row_max<T>(Stream, int64_t, int, T*, int32_t*, const T*, const int32_t*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
