#include "kernels/sgd_step/sgd_step.h"

#include "kernels/axpby/axpby.h"
#include "kernels/runtime/case.h"
#include "kernels/runtime/memory.h"

namespace temper {
namespace {

constexpr SgdStep kStep{.lr = 0.25, .momentum = 0.9, .weight_decay = 0.01};

/// One element's step, by the book.
void reference(SgdStep p, double& w, double& v, double grad) {
  const double g = grad + p.weight_decay * w;
  v = p.momentum * v + g;
  w -= p.lr.now() * (p.kind == Momentum::nesterov ? g + p.momentum * v : v);
}

/// g = grad + weight_decay * w; velocity = momentum * velocity + g; w = w - lr * velocity, or with Nesterov's momentum
/// w - lr * (g + momentum * velocity). Sums have their factors in f32.
void step_in_parts(Stream s, int64_t n, const CaseArgs& a, SgdStep p) {
  float *w = a.get<float>(0), *v = a.get<float>(1), *g = a.get<float>(3);
  const auto lr = static_cast<float>(p.lr.now()), momentum = static_cast<float>(p.momentum);
  weighted_sum<float>(s, n, 1.f, a.get<float>(2), static_cast<float>(p.weight_decay), w, g);
  axpby<float>(s, n, 1.f, g, momentum, v);
  if (p.kind == Momentum::nesterov) axpby<float>(s, n, momentum, v, 1.f, g);
  axpby<float>(s, n, -lr, p.kind == Momentum::nesterov ? g : v, 1.f, w);
}

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  const double tolerance = sizeof(T) == 4 ? 4e-7 : 1e-15;
  for (const int64_t n : case_sizes(kParameters)) {
    for (const Momentum kind : {Momentum::classic, Momentum::nesterov}) {
      SgdStep p = kStep;
      p.kind = kind;
      add_case({.kernel = "sgd_step",
                .name = cat(name(t), kind == Momentum::nesterov ? "/nesterov" : "", "/n=", n),
                .size = size_of_case(n, kParameters),
                .arrays = {{"w", Role::inout, t, n},
                           {"velocity", Role::inout, t, n},
                           {"grad", Role::in, t, n},
                           {"scratch", Role::scratch, t, n}},
                .run =
                    [n, p](Stream s, const CaseArgs& a) {
                      sgd_step<T>(s, n, a.get<T>(0), a.get<T>(1), a.get<T>(2), nullptr, MaskMode::freeze, p);
                    },
                .reference =
                    [n, p](auto& a) {
                      for (int64_t i = 0; i < n; ++i) reference(p, a[0][i], a[1][i], a[2][i]);
                    },
                .tolerance = tolerance,
                .bytes = 5.0 * n * sizeof(T),
                .unfused = if_any(sizeof(T) == 4,
                                  CaseBody([n, p](Stream s, const CaseArgs& a) { step_in_parts(s, n, a, p); })),
                .unfused_name = kind == Momentum::nesterov ? "axpby four times" : "axpby three times"});
    }
    for (const MaskMode mode : {MaskMode::zero_gradient, MaskMode::freeze})
      add_case({.kernel = "sgd_step",
                .name = cat(name(t), mode == MaskMode::freeze ? "/freeze" : "/zero_gradient", "/n=", n),
                .size = size_of_case(n, kParameters),
                .arrays = {{"w", Role::inout, t, n},
                           {"velocity", Role::inout, t, n},
                           {"grad", Role::in, t, n},
                           {"mask", Role::inout, t, n}},
                .run =
                    [n, mode](Stream s, const CaseArgs& a) {
                      set_zero(s, a.get<T>(3), n / 2 * sizeof(T));  // random masks hold no zeros
                      sgd_step<T>(s, n, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<T>(3), mode, kStep);
                    },
                .reference =
                    [n, mode](auto& a) {
                      for (int64_t i = 0; i < n; ++i) {
                        if (i < n / 2) a[3][i] = 0;
                        if (a[3][i] != 0)
                          reference(kStep, a[0][i], a[1][i], a[2][i]);
                        else if (mode == MaskMode::zero_gradient)
                          reference(kStep, a[0][i], a[1][i], 0);
                      }
                    },
                .tolerance = tolerance,
                .bytes = 6.0 * n * sizeof(T)});
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
