#include "kernels/convert/convert.h"

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

template <class To, class From>
void add_cases() {
  for (const int64_t n : case_sizes(kActivationElements))
    for (const float beta : {0.f, 1.f})
      add_case(with_sink<To>({.kernel = "convert",
                              .name = cat(name(dtype_of<From>()), "-", name(dtype_of<To>()), "/beta=", beta, "/n=", n),
                              .size = size_of_case(n, kActivationElements),
                              .arrays = {{"x", Role::in, dtype_of<From>(), n}, {"y", Role::inout, dtype_of<To>(), n}},
                              .reference =
                                  [n, beta](auto& a) {
                                    for (int64_t i = 0; i < n; ++i) a[1][i] = beta * a[1][i] + a[0][i];
                                  },
                              .tolerance = sizeof(To) == 2 ? 8e-3 : 2e-7,
                              .bytes = n * (sizeof(From) + (1.0 + beta) * sizeof(To)),
                              .known = known::Convert{.n = n, .x = 0, .y = 1}},
                             {.to = 1, .n = n, .beta = beta}, [n](Stream s, const CaseArgs& a, float beta, To* y) {
                               convert<To, From>(s, n, a.get<From>(0), beta, y);
                             }));
}

const CaseGroup group([] {
  add_cases<float, bfloat16>();
  add_cases<bfloat16, float>();
  add_cases<float, float16>();
  add_cases<float16, float>();
  add_cases<double, float>();
  add_cases<float, double>();
});

}  // namespace
}  // namespace temper
