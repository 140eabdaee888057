#include "kernels/column_sum/column_sum.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"

namespace temper {

namespace {

/// One column: four interleaved partial sums, then their sum.
template <class T, class Sum>
struct ColumnSum {
  const T* x;
  int64_t rows;
  int cols;
  Sum beta;
  HD void operator()(int64_t c, Sum& y) const {
    Sum part[4] = {};
    for (int64_t r = 0; r < rows; ++r) part[r % 4] += Sum(compute_t<T>(x[r * cols + c]));
    y = (beta ? beta * y : Sum(0)) + ((part[0] + part[1]) + (part[2] + part[3]));
  }
};

}  // namespace

template <class T, class Sum>
void column_sum(Stream stream, int64_t rows, int cols, const T* x, float beta, Sum* y) {
  map(stream, cols, ColumnSum<T, Sum>{x, rows, cols, beta}, y);
}

template void column_sum<float, float>(Stream, int64_t, int, const float*, float, float*);
template void column_sum<double, double>(Stream, int64_t, int, const double*, float, double*);
template void column_sum<bfloat16, float>(Stream, int64_t, int, const bfloat16*, float, float*);

}  // namespace temper
