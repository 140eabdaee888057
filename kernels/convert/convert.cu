#include "kernels/convert/convert.h"

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class To, class From>
struct Convert {
  TEMPER_HD void operator()(int64_t, To& y, From x) const { y = To(static_cast<compute_t<To>>(compute_t<From>(x))); }
};

template <class To, class From>
struct ConvertAdd {
  float beta;
  TEMPER_HD void operator()(int64_t, To& y, From x) const {
    using C = compute_t<To>;
    y = To(C(beta) * C(y) + static_cast<C>(compute_t<From>(x)));
  }
};

}  // namespace

template <class To, class From>
void convert(Stream stream, int64_t n, const From* x, float beta, To* y) {
  const KernelRange range(stream, "convert", {n});
  if (beta == 0)
    map(stream, n, Convert<To, From>{}, write(y), x);
  else
    map(stream, n, ConvertAdd<To, From>{beta}, y, x);
}

#define TEMPER_INSTANTIATE(To, From) template void convert<To, From>(Stream, int64_t, const From*, float, To*);
TEMPER_INSTANTIATE(float, float)
TEMPER_INSTANTIATE(double, double)
TEMPER_INSTANTIATE(float, bfloat16)
TEMPER_INSTANTIATE(bfloat16, float)
TEMPER_INSTANTIATE(bfloat16, bfloat16)
TEMPER_INSTANTIATE(float, float16)
TEMPER_INSTANTIATE(float16, float)
TEMPER_INSTANTIATE(float16, float16)
TEMPER_INSTANTIATE(double, float)
TEMPER_INSTANTIATE(float, double)

}  // namespace temper
