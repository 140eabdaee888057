#include "kernels/runtime/case.h"
#include "tests/extension/lion_step.h"

namespace temper {
namespace {

template <class T>
void add(int64_t n) {
  const DType t = dtype_of<T>();
  add_case({.kernel = "lion_step",
            .axes = {{"dtype", t}, {"n", n}},
            .size = size_of_case(n, kParameters),
            .arrays = {{"w", Role::inout, t, n}, {"m", Role::inout, t, n}, {"grad", Role::in, t, n}},
            .run =
                [n](Stream s, const CaseArgs& a) {
                  lion_step<T>(s, n, a.get<T>(0), a.get<T>(1), a.get<T>(2), {.lr = 0.25, .weight_decay = 0.1});
                },
            .reference =
                [n](auto& a) {
                  for (int64_t i = 0; i < n; ++i) {
                    double &w = a[0][i], &m = a[1][i], grad = a[2][i];
                    const double towards = 0.9 * m + 0.1 * grad;
                    w = (1 - 0.25 * 0.1) * w - (towards < 0 ? -0.25 : 0.25);
                    m += 0.01 * (grad - m);
                  }
                },
            .tolerance = sizeof(T) == 4 ? 4e-7 : 1e-15,
            .bytes = 5.0 * n * sizeof(T)});
}

const CaseGroup group([] {
  for (const int64_t n : case_sizes(kParameters)) {
    add<float>(n);
    add<double>(n);
  }
});

}  // namespace
}  // namespace temper
