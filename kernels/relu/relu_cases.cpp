#include "kernels/relu/relu.h"

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const int64_t n : case_sizes(kActivationElements)) {
    add_case({.kernel = "relu",
              .axes = {{"op", "forward"}, {"dtype", t}, {"n", n}},
              .size = size_of_case(n, kActivationElements),
              .arrays = {{"y", Role::out, t, n}, {"x", Role::in, t, n}},
              .run = [n](Stream s, const CaseArgs& a) { relu_forward(s, n, a.get<T>(0), a.get<T>(1)); },
              .reference =
                  [n](auto& a) {
                    for (int64_t i = 0; i < n; ++i) a[0][i] = a[1][i] > 0 ? a[1][i] : 0;
                  },
              .tolerance = 0,
              .bytes = 2.0 * n * sizeof(T),
              .known = known::Relu{.n = n, .x = 1, .y = 0}});
    for (const float beta : {0.f, 1.f})
      add_case(with_sink<T>({.kernel = "relu",
                             .axes = {{"op", "backward"}, {"dtype", t}, {"beta", beta}, {"n", n}},
                             .size = size_of_case(n, kActivationElements),
                             .arrays = {{"y", Role::in, t, n}, {"dy", Role::in, t, n}, {"dx", Role::inout, t, n}},
                             .reference =
                                 [n, beta](auto& a) {
                                   for (int64_t i = 0; i < n; ++i)
                                     a[2][i] = beta * a[2][i] + (a[0][i] > 0 ? a[1][i] : 0);
                                 },
                             .tolerance = sizeof(T) == 2 ? 8e-3 : 1e-7,
                             .bytes = (3.0 + beta) * n * sizeof(T),
                             .known = known::ReluGradient{.n = n, .y = 0, .dy = 1, .dx = 2}},
                            {.to = 2, .n = n, .beta = beta}, [n](Stream s, const CaseArgs& a, float beta, T* dx) {
                              relu_backward(s, n, a.get<T>(0), a.get<T>(1), beta, dx);
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
