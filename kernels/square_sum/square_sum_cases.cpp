#include "kernels/runtime/case.h"
#include "kernels/square_sum/square_sum.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const int64_t n : case_sizes(kParameters))
    add_case(
        {.kernel = "square_sum",
         .axes = {{"dtype", t}, {"n", n}},
         .size = size_of_case(n, kParameters),
         .arrays = {{"x", Role::in, t, n}, {"partial", Role::out, t, square_sum_partials(n)}, {"y", Role::out, t, 1}},
         .run = [=](Stream s, const CaseArgs& a) { square_sum<T>(s, n, a.get<T>(0), a.get<T>(1), a.get<T>(2)); },
         .reference =
             [=](auto& a) {
               a[2][0] = 0;
               for (double& p : a[1]) p = 0;
               for (int64_t i = 0; i < n; ++i) {
                 a[1][i / 4096] += a[0][i] * a[0][i];
                 a[2][0] += a[0][i] * a[0][i];
               }
             },
         .tolerance = 1e-5,
         .bytes = 1.0 * n * sizeof(T)});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
