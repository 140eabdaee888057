#include "kernels/fill/fill.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"

namespace temper {

namespace {
template <class T>
struct Fill {
  T value;
  TEMPER_HD void operator()(int64_t, T& y) const { y = value; }
};
}  // namespace

template <class T>
void fill(Stream stream, int64_t n, T* y, T value) {
  const KernelRange range(stream, "fill", {n});
  map(stream, n, Fill<T>{value}, write(y));
}

template void fill<float>(Stream, int64_t, float*, float);
template void fill<double>(Stream, int64_t, double*, double);
template void fill<bfloat16>(Stream, int64_t, bfloat16*, bfloat16);
template void fill<float16>(Stream, int64_t, float16*, float16);

}  // namespace temper
