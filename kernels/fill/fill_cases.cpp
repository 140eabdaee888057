#include "kernels/fill/fill.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  for (const int64_t n : case_sizes(kParameters))
    add_case({.kernel = "fill",
              .axes = {{"dtype", dtype_of<T>()}, {"n", n}},
              .size = size_of_case(n, kParameters),
              .arrays = {{"y", Role::out, dtype_of<T>(), n}},
              .run = [n](Stream s, const CaseArgs& a) { fill(s, n, a.get<T>(0), T(1.5f)); },
              .reference =
                  [n](auto& a) {
                    for (int64_t i = 0; i < n; ++i) a[0][i] = 1.5;
                  },
              .tolerance = 0,
              .bytes = 1.0 * n * sizeof(T)});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
  add_cases<bfloat16>();
  add_cases<float16>();
});

}  // namespace
}  // namespace temper
