#include "tests/extension/lion_step.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Lion {
  T lr, beta1, beta2, weight_decay;
  TEMPER_HD void operator()(int64_t, T& w, T& m, T grad) const {
    const T c = beta1 * m + (1 - beta1) * grad;
    const T sign = c > 0 ? T(1) : c < 0 ? T(-1) : T(0);
    w = w - lr * (sign + weight_decay * w);
    m = beta2 * m + (1 - beta2) * grad;
  }
};

/// Live values are read when the kernel runs, so a replayed launch uses the present ones.
template <class T>
struct LiveLion {
  LionStep step;
  TEMPER_HD bool skip() const { return step.moves.now() == 0; }
  TEMPER_HD Lion<T> bind() const { return {T(step.lr.now()), T(step.beta1), T(step.beta2), T(step.weight_decay)}; }
};

}  // namespace

template <class T>
void lion_step(Stream stream, int64_t n, T* w, T* m, const T* grad, LionStep step) {
  const KernelRange range(stream, "lion_step", {n});
  map(stream, n, LiveLion<T>{step}, w, m, grad);
}

template void lion_step<float>(Stream, int64_t, float*, float*, const float*, LionStep);
template void lion_step<double>(Stream, int64_t, double*, double*, const double*, LionStep);

}  // namespace temper
