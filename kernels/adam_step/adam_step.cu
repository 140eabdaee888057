#include "kernels/adam_step/adam_step.h"

#include <cmath>

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Adam {
  T rate, root, keep, beta1_rest, beta2, beta2_rest, eps, penalty;

  TEMPER_HD explicit Adam(const AdamStep& s)
      : rate(s.lr.now() / s.correction1.now()),
        root(std::sqrt(s.correction2.now())),
        keep(s.decay == Decay::weight ? 1 - s.lr.now() * s.weight_decay : 1),
        beta1_rest(1 - s.beta1),
        beta2(s.beta2),
        beta2_rest(1 - s.beta2),
        eps(s.eps),
        penalty(s.decay == Decay::gradient ? s.weight_decay : 0) {}
  TEMPER_HD void operator()(int64_t, T& w, T& m, T& v, T grad) const {
    const T decayed = keep * w, g = grad + penalty * w;
    m = m + beta1_rest * (g - m);
    v = beta2 * v + beta2_rest * g * g;
    w = decayed - rate * (m / (std::sqrt(v) / root + eps));
  }
};

template <class T>
struct MaskedAdam {
  Adam<T> adam;
  MaskMode mode;
  TEMPER_HD void operator()(int64_t i, T& w, T& m, T& v, T grad, T mask) const {
    if (mask != T(0))
      adam(i, w, m, v, grad);
    else if (mode == MaskMode::zero_gradient)
      adam(i, w, m, v, T(0));
  }
};

/// With live numbers, which are read when the kernel starts.
template <class T>
struct LiveAdam {
  AdamStep step;
  TEMPER_HD bool skip() const { return step.moves.now() == 0; }
  TEMPER_HD Adam<T> bind() const { return Adam<T>(step); }
};
template <class T>
struct LiveMaskedAdam : LiveAdam<T> {
  MaskMode mode;
  TEMPER_HD MaskedAdam<T> bind() const { return {LiveAdam<T>::bind(), mode}; }
};

}  // namespace

template <class T>
void adam_step(Stream stream, int64_t n, T* w, T* m, T* v, const T* grad, const T* mask, MaskMode mode, AdamStep step) {
  const KernelRange range(stream, "adam_step", {n});
  if (!mask)
    map(stream, n, LiveAdam<T>{step}, w, m, v, grad);
  else
    map(stream, n, LiveMaskedAdam<T>{{step}, mode}, w, m, v, grad, mask);
}

template void adam_step<float>(Stream, int64_t, float*, float*, float*, const float*, const float*, MaskMode, AdamStep);
template void adam_step<double>(Stream, int64_t, double*, double*, double*, const double*, const double*, MaskMode,
                                AdamStep);

}  // namespace temper
