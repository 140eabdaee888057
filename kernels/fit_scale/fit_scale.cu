#include "kernels/fit_scale/fit_scale.h"

#include <cmath>

#include "kernels/runtime/row.h"

namespace temper {

namespace {

TEMPER_HD void count(int32_t* sum) {
#if defined(__CUDA_ARCH__)
  atomicAdd(sum, 1);
#else
  __atomic_fetch_add(sum, 1, __ATOMIC_RELAXED);
#endif
}

struct Fit {
  float *gradient, *scale;
  int32_t* again;
  ScaleRange range;

  /// The next scale to try after `now` gave a gradient whose largest element is this; `now`: no other.
  TEMPER_HD float next(float now, float largest) const {
    if (!(largest - largest == 0)) return now > range.lowest ? now / 16 : now;
    return largest < range.enough && now == range.first ? range.highest : now;
  }
  TEMPER_HD void operator()(const Row& row) const {
    float* const mine = gradient + row.at(0);
    const float now = scale[row.index];
    const float largest =
        row.max([](int, float v) { return v - v == 0 ? std::fabs(v) : INFINITY; }, static_cast<const float*>(mine));
    const float then = next(now, largest);
    if (then != now)
      row.once([&] {
        scale[row.index] = then;
        count(again);
      });
    else
      row.each([=](int, float& v) { v = v / now; }, mine);
  }
};

}  // namespace

void fit_scale(Stream stream, int64_t rows, int cols, float* gradient, float* scale, int32_t* again, ScaleRange range) {
  const KernelRange named(stream, "fit_scale", {rows, cols});
  for_each_row(stream, rows, cols, Fit{gradient, scale, again, range});
}

}  // namespace temper
