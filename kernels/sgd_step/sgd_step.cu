#include "kernels/sgd_step/sgd_step.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Sgd {
  T lr, momentum, weight_decay;
  Momentum kind;

  explicit Sgd(SgdStep s) : lr(s.lr), momentum(s.momentum), weight_decay(s.weight_decay), kind(s.kind) {}
  HD void operator()(int64_t, T& w, T& v, T grad) const {
    const T g = grad + weight_decay * w;
    v = momentum * v + g;
    w = w - lr * (kind == Momentum::nesterov ? g + momentum * v : v);
  }
};

template <class T>
struct MaskedSgd {
  Sgd<T> sgd;
  MaskMode mode;
  HD void operator()(int64_t i, T& w, T& v, T grad, T mask) const {
    if (mask != T(0))
      sgd(i, w, v, grad);
    else if (mode == MaskMode::zero_gradient)
      sgd(i, w, v, T(0));
  }
};

}  // namespace

template <class T>
void sgd_step(Stream stream, int64_t n, T* w, T* velocity, const T* grad, const T* mask, MaskMode mode, SgdStep step) {
  const KernelRange range(stream, "sgd_step", {n});
  if (!mask)
    map(stream, n, Sgd<T>(step), w, velocity, grad);
  else
    map(stream, n, MaskedSgd<T>{Sgd<T>(step), mode}, w, velocity, grad, mask);
}

template void sgd_step<float>(Stream, int64_t, float*, float*, const float*, const float*, MaskMode, SgdStep);
template void sgd_step<double>(Stream, int64_t, double*, double*, const double*, const double*, MaskMode, SgdStep);

}  // namespace temper
