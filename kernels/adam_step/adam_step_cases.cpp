#include <cmath>

#include "kernels/adam_step/adam_step.h"
#include "kernels/runtime/case.h"
#include "kernels/runtime/memory.h"

namespace temper {
namespace {

enum class Mask : uint8_t { none, zero_gradient, freeze };

const char* name(Mask m) { return m == Mask::none ? "" : m == Mask::freeze ? "/freeze" : "/zero_gradient"; }

/// The third step, with numbers that all matter.
AdamStep third(Decay decay) {
  return {.lr = 0.05,
          .beta1 = 0.8,
          .beta2 = 0.95,
          .eps = 0.01,
          .weight_decay = 0.3,
          .decay = decay,
          .correction1 = 1 - std::pow(0.8, 3),
          .correction2 = 1 - std::pow(0.95, 3)};
}

/// One element's step as the papers have it: moments divided by what their averages lack.
void reference(const AdamStep& s, double& w, double& m, double& v, double grad) {
  const double g = s.decay == Decay::gradient ? grad + s.weight_decay * w : grad;
  m = s.beta1 * m + (1 - s.beta1) * g;
  v = s.beta2 * v + (1 - s.beta2) * g * g;
  const double m_hat = m / (1 - std::pow(s.beta1, 3)), v_hat = v / (1 - std::pow(s.beta2, 3));
  const double decay = s.decay == Decay::weight ? s.weight_decay * w : 0;
  w -= s.lr.now() * (m_hat / (std::sqrt(v_hat) + s.eps) + decay);
}

template <class T>
void add(int64_t n, Decay decay, Mask masked) {
  const DType t = dtype_of<T>();
  const AdamStep step = third(decay);
  const MaskMode mode = masked == Mask::freeze ? MaskMode::freeze : MaskMode::zero_gradient;
  const int64_t masks = masked == Mask::none ? 0 : n;
  add_case({.kernel = "adam_step",
            .name = cat(temper::name(t), decay == Decay::weight ? "/adamw" : "", name(masked), "/n=", n),
            .size = size_of_case(n, kParameters),
            .arrays = {{"w", Role::inout, t, n},
                       {"m", Role::inout, t, n},
                       {"v", Role::inout, t, n, 0, 1},
                       {"grad", Role::in, t, n},
                       {"mask", Role::inout, t, masks}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  if (masks) set_zero(s, a.get<T>(4), n / 2 * sizeof(T));  // random masks hold no zeros
                  adam_step<T>(s, n, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<T>(3), masks ? a.get<T>(4) : nullptr,
                               mode, step);
                },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; i < n; ++i) {
                    if (masks && i < n / 2) a[4][i] = 0;
                    const bool zero = masks && a[4][i] == 0;
                    if (!zero || mode == MaskMode::zero_gradient)
                      reference(step, a[0][i], a[1][i], a[2][i], zero ? 0 : a[3][i]);
                  }
                },
            .tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14,
            .bytes = (7.0 * n + masks) * sizeof(T)});
}

const CaseGroup group([] {
  for (const int64_t n : case_sizes(kParameters))
    for (const Decay decay : {Decay::gradient, Decay::weight})
      for (const Mask masked : {Mask::none, Mask::zero_gradient, Mask::freeze}) {
        add<float>(n, decay, masked);
        add<double>(n, decay, masked);
      }
});

}  // namespace
}  // namespace temper
