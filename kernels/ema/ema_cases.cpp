#include "kernels/ema/ema.h"

#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const int64_t n : case_sizes(kParameters))
    for (const double decay : {0.0, 0.999})
      add_case({.kernel = "ema",
                .axes = {{"dtype", t}, {"decay", decay}, {"n", n}},
                .size = size_of_case(n, kParameters),
                .arrays = {{"average", Role::inout, t, n}, {"w", Role::in, t, n}},
                .run = [n, decay](Stream s, const CaseArgs& a) { ema<T>(s, n, a.get<T>(0), a.get<T>(1), decay); },
                .reference =
                    [n, decay](auto& a) {
                      for (int64_t i = 0; i < n; ++i) a[0][i] = decay * a[0][i] + (1 - decay) * a[1][i];
                    },
                .tolerance = sizeof(T) == 4 ? 2e-7 : 1e-15,
                .bytes = 3.0 * n * sizeof(T),
                .known = known::WeightedSum{.n = n,
                                            .alpha = static_cast<float>(1 - decay),
                                            .beta = static_cast<float>(decay),
                                            .x = 1,
                                            .y = 0,
                                            .z = 0}});
  for (const int64_t n : kCaseSizes)
    add_case(
        {.kernel = "ema",
         .name = cat(name(t), "/live/n=", n),
         .arrays = {{"average", Role::inout, t, n}, {"w", Role::in, t, n}, {"decay", Role::in, DType::f64, 1, 0, 1}},
         .run =
             [n](Stream s, const CaseArgs& a) {
               ema<T>(s, n, a.get<T>(0), a.get<T>(1), ScalarArg<double>(a.get<const double>(2)));
             },
         .reference =
             [n](auto& a) {
               for (int64_t i = 0; i < n; ++i) a[0][i] = a[2][0] * a[0][i] + (1 - a[2][0]) * a[1][i];
             },
         .tolerance = sizeof(T) == 4 ? 2e-7 : 1e-15});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
