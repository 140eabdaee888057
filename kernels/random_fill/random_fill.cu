#include "kernels/random_fill/random_fill.h"

#include <cmath>

#include "kernels/runtime/dtype.h"
#include "kernels/runtime/map.h"
#include "kernels/runtime/philox.h"

namespace temper {

namespace {

template <class T>
struct Draw {
  RandomFill fill;
  TEMPER_HD void operator()(int64_t i, T& y) const {
    const Philox4 w = philox(fill.seed, static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32), 0, 0);
    const float v = 2 * uniform01(w.x[0]) - 1;  // exact
    const uint32_t eighth = w.x[1] >> 29;
    if (fill.values == RandomValues::spread)
      y = T(fill.scale * v);
    else
      y = T(eighth < 4 ? 0.f : fill.scale * (eighth == 4 ? -std::abs(v) : std::abs(v)));
  }
};

}  // namespace

template <class T>
void random_fill(Stream stream, int64_t n, T* y, const RandomFill& fill) {
  const KernelRange range(stream, "random_fill", {n});
  map(stream, n, Draw<T>{fill}, write(y));
}

template void random_fill<float>(Stream, int64_t, float*, const RandomFill&);
template void random_fill<bfloat16>(Stream, int64_t, bfloat16*, const RandomFill&);
template void random_fill<float16>(Stream, int64_t, float16*, const RandomFill&);

}  // namespace temper
