#include "kernels/product/product.h"

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const int64_t n : case_sizes(kImages * 10))
    for (const float beta : {0.f, 1.f})
      add_case(with_sink<T>({.kernel = "product",
                             .axes = {{"dtype", t}, {"beta", beta}, {"n", n}},
                             .arrays = {{"a", Role::in, t, n}, {"b", Role::in, t, n}, {"y", Role::inout, t, n}},
                             .reference =
                                 [n, beta](auto& a) {
                                   for (int64_t i = 0; i < n; ++i) a[2][i] = beta * a[2][i] + a[0][i] * a[1][i];
                                 },
                             .tolerance = sizeof(T) == 4 ? 3e-7 : 1e-15,
                             .bytes = (3.0 + beta) * n * sizeof(T),
                             .known = known::Broadcast{.kind = known::Broadcast::Kind::multiply,
                                                       .rows = 1,
                                                       .cols = n,
                                                       .v_rows = 1,
                                                       .v_cols = n,
                                                       .factor = 1,
                                                       .x = 0,
                                                       .v = 1,
                                                       .y = 2}},
                            {.to = 2, .n = n, .beta = beta}, [n](Stream s, const CaseArgs& a, float beta, T* y) {
                              product(s, n, a.get<T>(0), a.get<T>(1), beta, y);
                            }));
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
