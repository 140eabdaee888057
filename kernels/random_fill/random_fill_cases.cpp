#include <cmath>

#include "kernels/random_fill/random_fill.h"
#include "kernels/runtime/case.h"
#include "kernels/runtime/philox.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  for (const RandomValues values : {RandomValues::spread, RandomValues::activation})
    for (const int64_t n : case_sizes(kActivationElements)) {
      const RandomFill fill{.seed = 7, .scale = 4, .values = values};
      add_case(
          {.kernel = "random_fill",
           .name = cat(values == RandomValues::spread ? "spread/" : "activation/", name(dtype_of<T>()), "/n=", n),
           .size = size_of_case(n, kActivationElements),
           .arrays = {{"y", Role::out, dtype_of<T>(), n}},
           .run = [n, fill](Stream s, const CaseArgs& a) { random_fill(s, n, a.get<T>(0), fill); },
           .reference =
               [n, values](auto& a) {
                 for (int64_t i = 0; i < n; ++i) {
                   const Philox4 w = philox(7, static_cast<uint32_t>(i), 0, 0, 0);
                   const double v = 4 * (2.0 * uniform01(w.x[0]) - 1);
                   const uint32_t kind = w.x[1] / (1u << 29);
                   a[0][i] = values == RandomValues::spread ? v : kind < 4 ? 0 : kind == 4 ? -std::abs(v) : std::abs(v);
                 }
               },
           .tolerance = sizeof(T) == 2 ? 8e-3 : 1e-7,
           .bytes = 1.0 * n * sizeof(T)});
    }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<bfloat16>();
  add_cases<float16>();
});

}  // namespace
}  // namespace temper
