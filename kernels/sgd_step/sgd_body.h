#pragma once
// The body of sgd_step, per element: also that of kernels that do more in the same pass.
#include "kernels/runtime/hd.h"
#include "kernels/sgd_step/sgd_step.h"

namespace temper::sgd_body {

template <class T>
struct Sgd {
  T lr, momentum, weight_decay;
  Momentum kind;

  TEMPER_HD explicit Sgd(const SgdStep& s)
      : lr(s.lr.now()), momentum(s.momentum), weight_decay(s.weight_decay), kind(s.kind) {}
  TEMPER_HD void operator()(int64_t, T& w, T& v, T grad) const {
    const T g = grad + weight_decay * w;
    v = momentum * v + g;
    w = w - lr * (kind == Momentum::nesterov ? g + momentum * v : v);
  }
};

template <class T>
struct MaskedSgd {
  Sgd<T> sgd;
  MaskMode mode;
  TEMPER_HD void operator()(int64_t i, T& w, T& v, T grad, T mask) const {
    if (mask != T(0))
      sgd(i, w, v, grad);
    else if (mode == MaskMode::zero_gradient)
      sgd(i, w, v, T(0));
  }
};

/// With live numbers, which are read when the kernel starts.
template <class T>
struct LiveSgd {
  SgdStep step;
  TEMPER_HD bool skip() const { return step.moves.now() == 0; }
  TEMPER_HD Sgd<T> bind() const { return Sgd<T>(step); }
};
template <class T>
struct LiveMaskedSgd : LiveSgd<T> {
  MaskMode mode;
  TEMPER_HD MaskedSgd<T> bind() const { return {LiveSgd<T>::bind(), mode}; }
};

}  // namespace temper::sgd_body
