#include "kernels/row_add/row_add.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"

namespace temper {

namespace {
template <class T>
struct RowAdd {
  const T* v;
  int cols;
  TEMPER_HD void operator()(int64_t i, T& y) const { y = T(compute_t<T>(y) + compute_t<T>(v[i % cols])); }
};
}  // namespace

template <class T>
void row_add(Stream stream, int64_t rows, int cols, const T* v, T* y) {
  const KernelRange range(stream, "row_add", {rows, cols});
  map(stream, rows * cols, RowAdd<T>{v, cols}, y);
}

template void row_add<float>(Stream, int64_t, int, const float*, float*);
template void row_add<bfloat16>(Stream, int64_t, int, const bfloat16*, bfloat16*);
template void row_add<float16>(Stream, int64_t, int, const float16*, float16*);
template void row_add<double>(Stream, int64_t, int, const double*, double*);

}  // namespace temper
