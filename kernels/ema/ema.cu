#include "kernels/ema/ema.h"

#include "kernels/ema/ema_body.h"
#include "kernels/runtime/map.h"

namespace temper {

template <class T>
void ema(Stream stream, int64_t n, T* average, const T* w, ScalarArg<double> decay, ScalarArg<uint32_t> moves) {
  const KernelRange range(stream, "ema", {n});
  map(stream, n, ema_body::LiveEma<T>{decay, moves}, average, w);
}

template void ema<float>(Stream, int64_t, float*, const float*, ScalarArg<double>, ScalarArg<uint32_t>);
template void ema<double>(Stream, int64_t, double*, const double*, ScalarArg<double>, ScalarArg<uint32_t>);

}  // namespace temper
