#include "kernels/sgd_step/sgd_step.h"

#include "kernels/runtime/map.h"
#include "kernels/sgd_step/sgd_body.h"

namespace temper {

template <class T>
void sgd_step(Stream stream, int64_t n, T* w, T* velocity, const T* grad, const T* mask, MaskMode mode, SgdStep step) {
  const KernelRange range(stream, "sgd_step", {n});
  if (!mask)
    map(stream, n, sgd_body::LiveSgd<T>{step}, w, velocity, grad);
  else
    map(stream, n, sgd_body::LiveMaskedSgd<T>{{step}, mode}, w, velocity, grad, mask);
}

template void sgd_step<float>(Stream, int64_t, float*, float*, const float*, const float*, MaskMode, SgdStep);
template void sgd_step<double>(Stream, int64_t, double*, double*, const double*, const double*, MaskMode, SgdStep);

}  // namespace temper
