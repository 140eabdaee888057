#include "kernels/row_move/row_move.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
TEMPER_HD void copy_row(const Row& row, T* to, const T* from) {
  row.each([](int, T& y, T x) { y = x; }, write(to), from);
}

template <class T>
struct Gather {
  T* y;
  const T* x;
  const int32_t* index;
  TEMPER_HD void operator()(const Row& row) const {
    copy_row(row, y + row.at(0), x + int64_t{index[row.index]} * row.size);
  }
};

template <class T>
struct Scatter {
  T* y;
  const T* x;
  const int32_t* index;
  TEMPER_HD void operator()(const Row& row) const {
    copy_row(row, y + int64_t{index[row.index]} * row.size, x + row.at(0));
  }
};

template <class T>
struct CopyWhere {
  T* y;
  const T* x;
  const int32_t* chosen;
  TEMPER_HD void operator()(const Row& row) const {
    if (chosen[row.index]) copy_row(row, y + row.at(0), x + row.at(0));
  }
};

}  // namespace

template <class T>
void gather_rows(Stream stream, int64_t rows, int cols, T* y, const T* x, const int32_t* index) {
  const KernelRange range(stream, "gather_rows", {rows, cols});
  for_each_row(stream, rows, cols, Gather<T>{y, x, index});
}

template <class T>
void scatter_rows(Stream stream, int64_t rows, int cols, T* y, const T* x, const int32_t* index) {
  const KernelRange range(stream, "scatter_rows", {rows, cols});
  for_each_row(stream, rows, cols, Scatter<T>{y, x, index});
}

template <class T>
void copy_rows_where(Stream stream, int64_t rows, int cols, T* y, const T* x, const int32_t* chosen) {
  const KernelRange range(stream, "copy_rows_where", {rows, cols});
  for_each_row(stream, rows, cols, CopyWhere<T>{y, x, chosen});
}

#define TEMPER_INSTANTIATE(T)                                                        \
  template void gather_rows<T>(Stream, int64_t, int, T*, const T*, const int32_t*);  \
  template void scatter_rows<T>(Stream, int64_t, int, T*, const T*, const int32_t*); \
  template void copy_rows_where<T>(Stream, int64_t, int, T*, const T*, const int32_t*);
TEMPER_INSTANTIATE(float)
TEMPER_INSTANTIATE(double)
TEMPER_INSTANTIATE(int32_t)

}  // namespace temper
