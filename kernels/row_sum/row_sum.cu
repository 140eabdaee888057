#include "kernels/row_sum/row_sum.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct Sum {
  T* y;
  const T* x;
  T factor;
  HD void operator()(const Row& row) const {
    const T sum = row.sum([](int, T v) { return v; }, x + row.at(0));
    row.once([&] { y[row.index] = factor * sum; });
  }
};

}  // namespace

template <class T>
void row_sum(Stream stream, int64_t rows, int cols, T* y, const T* x, double factor) {
  const KernelRange range(stream, "row_sum", {rows, cols});
  for_each_row(stream, rows, cols, Sum<T>{y, x, T(factor)});
}

template void row_sum<float>(Stream, int64_t, int, float*, const float*, double);
template void row_sum<double>(Stream, int64_t, int, double*, const double*, double);

}  // namespace temper
