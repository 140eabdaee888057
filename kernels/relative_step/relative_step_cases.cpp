#include <cmath>
#include <limits>

#include "kernels/fill/fill.h"
#include "kernels/relative_step/relative_step.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// Of weights whose norm is 3. `square_g`: of the whole direction, which these n numbers are a part of.
template <class T>
void add(int64_t n, double square_g) {
  const DType t = dtype_of<T>();
  const bool moves = std::isfinite(square_g);
  add_case({.kernel = "relative_step",
            .name = cat(name(t), "/square_g=", square_g, "/n=", n),
            .size = size_of_case(n, kParameters),
            .arrays = {{"w", Role::inout, t, n},
                       {"g", Role::in, t, n},
                       {"square_w", Role::scratch, t, 1},
                       {"square_g", Role::scratch, t, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  fill<T>(s, 1, a.get<T>(2), T(9));
                  fill<T>(s, 1, a.get<T>(3), T(square_g));
                  relative_step<T>(s, n, a.get<T>(0), a.get<T>(1),
                                   {.square_w = a.get<T>(2), .square_g = a.get<T>(3), .share = 0.125});
                },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; moves && i < n; ++i) a[0][i] += 0.125 * a[1][i] * std::sqrt(9 / square_g);
                },
            .tolerance = sizeof(T) == 4 ? 4e-7 : 1e-14,
            .bytes = moves ? 3.0 * n * sizeof(T) : 0});
}

const CaseGroup group([] {
  for (const int64_t n : case_sizes(kParameters))
    for (const double square_g : {4.0, std::numeric_limits<double>::quiet_NaN()}) {
      add<float>(n, square_g);
      add<double>(n, square_g);
    }
});

}  // namespace
}  // namespace temper
