#include "kernels/row_scale/row_scale.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Scale {
  const T* s;
  int64_t cols;  ///< columns sharing one s: of a row, or of the whole matrix
  T factor, beta;
  TEMPER_HD void operator()(int64_t i, T& y, T x) const { y = factor * s[i / cols] * x + (beta ? beta * y : T(0)); }
};

}  // namespace

template <class T>
void row_scale(Stream stream, int64_t rows, int cols, float beta, T* y, const T* x, const T* s, RowFactors factors,
               double factor) {
  const KernelRange range(stream, "row_scale", {rows, cols});
  const int64_t n = rows * cols;
  map(stream, n, Scale<T>{s, factors == RowFactors::one ? n : cols, T(factor), T(beta)}, y, x);
}

template void row_scale<float>(Stream, int64_t, int, float, float*, const float*, const float*, RowFactors, double);
template void row_scale<double>(Stream, int64_t, int, float, double*, const double*, const double*, RowFactors, double);

}  // namespace temper
