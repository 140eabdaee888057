#include "kernels/silu/silu.h"

#include <cmath>

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  const double tolerance = sizeof(T) == 8 ? 1e-14 : sizeof(T) == 4 ? 1e-6 : 1e-2;
  for (const int64_t n : case_sizes(kActivationElements)) {
    add_case({.kernel = "silu",
              .axes = {{"op", "forward"}, {"dtype", t}, {"n", n}},
              .size = size_of_case(n, kActivationElements),
              .arrays = {{"y", Role::out, t, n}, {"x", Role::in, t, n, -9, 9}},
              .run = [n](Stream s, const CaseArgs& a) { silu_forward(s, n, a.get<T>(0), a.get<T>(1)); },
              .reference =
                  [n](auto& a) {
                    for (int64_t i = 0; i < n; ++i) a[0][i] = a[1][i] * 0.5 * (1 + std::tanh(a[1][i] / 2));
                  },
              .tolerance = tolerance,
              .bytes = 2.0 * n * sizeof(T)});
    for (const float beta : {0.f, 1.f})
      add_case(
          with_sink<T>({.kernel = "silu",
                        .axes = {{"op", "backward"}, {"dtype", t}, {"beta", beta}, {"n", n}},
                        .size = size_of_case(n, kActivationElements),
                        .arrays = {{"x", Role::in, t, n, -9, 9}, {"dy", Role::in, t, n}, {"dx", Role::inout, t, n}},
                        .reference =
                            [n, beta](auto& a) {
                              for (int64_t i = 0; i < n; ++i) {
                                const double u = std::tanh(a[0][i] / 2), slope = 1 + u + a[0][i] / 2 * (1 - u * u);
                                a[2][i] = beta * a[2][i] + a[1][i] * slope / 2;
                              }
                            },
                        .tolerance = tolerance,
                        .bytes = (3.0 + beta) * n * sizeof(T)},
                       {.to = 2, .n = n, .beta = beta}, [n](Stream s, const CaseArgs& a, float beta, T* dx) {
                         silu_backward(s, n, a.get<T>(0), a.get<T>(1), beta, dx);
                       }));
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
  add_cases<bfloat16>();
  add_cases<float16>();
});

}  // namespace
}  // namespace temper
