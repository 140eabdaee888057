#include "kernels/ema/ema.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Ema {
  T keep, take;
  HD void operator()(int64_t, T& average, T w) const { average = keep * average + take * w; }
};

}  // namespace

template <class T>
void ema(Stream stream, int64_t n, T* average, const T* w, double decay) {
  const KernelRange range(stream, "ema", {n});
  map(stream, n, Ema<T>{T(decay), T(1 - decay)}, average, w);
}

template void ema<float>(Stream, int64_t, float*, const float*, double);
template void ema<double>(Stream, int64_t, double*, const double*, double);

}  // namespace temper
