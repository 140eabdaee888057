#include "kernels/argmax/argmax.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

template <class T>
struct Argmax {
  int32_t* y;
  const T* x;
  TEMPER_HD void operator()(const Row& row) const {
    const T* v = x + row.at(0);
    const T best = row.max([](int, T v) { return v; }, v);
    const int first = -row.max([&](int c, T v) { return v == best ? -c : -row.size; }, v);
    const int bad = row.sum([](int, T v) { return v - v == T(0) ? 0 : 1; }, v);
    row.once([&] { y[row.index] = bad ? -1 : first; });
  }
};

}  // namespace

template <class T>
void argmax(Stream stream, int64_t rows, int cols, int32_t* y, const T* x) {
  const KernelRange range(stream, "argmax", {rows, cols});
  for_each_row(stream, rows, cols, Argmax<T>{y, x});
}

template void argmax<float>(Stream, int64_t, int, int32_t*, const float*);
template void argmax<double>(Stream, int64_t, int, int32_t*, const double*);

}  // namespace temper
