#include "kernels/columns/columns.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Take {
  const T* x;
  int cols, begin, count;
  TEMPER_HD void operator()(int64_t i, T& y) const { y = x[i / count * cols + begin + i % count]; }
};

template <class T>
struct Put {
  const T* dy;
  int cols, begin, count;
  TEMPER_HD T at(int64_t i) const {
    const int64_t c = i % cols - begin;
    return c >= 0 && c < count ? dy[i / cols * count + c] : T(0);
  }
  TEMPER_HD void operator()(int64_t i, T& dx) const { dx = at(i); }
};

template <class T>
struct PutAdd {
  Put<T> of;
  T beta;
  TEMPER_HD void operator()(int64_t i, T& dx) const { dx = beta * dx + of.at(i); }
};

}  // namespace

template <class T>
void take_columns(Stream stream, ColumnRange c, T* y, const T* x) {
  const KernelRange range(stream, "take_columns", {c.rows, c.cols, c.count});
  map(stream, c.rows * c.count, Take<T>{x, c.cols, c.begin, c.count}, write(y));
}

template <class T>
void put_columns(Stream stream, ColumnRange c, const T* dy, float beta, T* dx) {
  const KernelRange range(stream, "put_columns", {c.rows, c.cols, c.count});
  const Put<T> put{dy, c.cols, c.begin, c.count};
  if (beta == 0)
    map(stream, c.rows * c.cols, put, write(dx));
  else
    map(stream, c.rows * c.cols, PutAdd<T>{put, beta}, dx);
}

#define TEMPER_INSTANTIATE(T)                                       \
  template void take_columns<T>(Stream, ColumnRange, T*, const T*); \
  template void put_columns<T>(Stream, ColumnRange, const T*, float, T*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)

}  // namespace temper
