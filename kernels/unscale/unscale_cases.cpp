#include "kernels/unscale/unscale.h"

#include <cmath>

#include "kernels/axpby/axpby.h"
#include "kernels/fill/fill.h"
#include "kernels/finite_gate/finite_gate.h"
#include "kernels/runtime/case.h"
#include "kernels/square_sum/square_sum.h"

namespace temper {
namespace {

/// `bad`: the element of x that is made `value`; none below 0. `before`: the fault found there.
template <class T>
void add(int64_t n, int64_t bad, double value, float before) {
  const DType t = dtype_of<T>();
  const auto spoil = [=](Stream s, const CaseArgs& a) {
    fill<float>(s, 1, a.get<float>(1), before);
    if (bad >= 0) fill<T>(s, 1, a.get<T>(0) + bad, T(value));
  };
  add_case({.kernel = "unscale",
            .name = cat(name(t), "/n=", n, bad < 0 ? "" : cat("/", value, " at ", bad), "/fault=", before),
            .arrays = {{"x", bad < 0 ? Role::inout : Role::scratch, t, n},
                       {"fault", Role::scratch, DType::f32, 1},
                       {"finite", Role::out, DType::i32, 1},
                       {"partial", Role::scratch, t, square_sum_partials(n)},
                       {"norm", Role::scratch, t, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  spoil(s, a);
                  unscale<T>(s, n, T(0.25), a.get<T>(0), a.get<float>(1));
                  finite_gate<float>(s, 1, a.get<float>(1), a.get<uint32_t>(2));
                },
            .reference =
                [=](auto& a) {
                  for (double& x : a[0]) x *= 0.25;
                  a[2][0] = bad < 0 && before == 0;
                },
            .bytes = 2.0 * n * sizeof(T),
            .unfused = if_any(before == 0, CaseBody([=](Stream s, const CaseArgs& a) {
                                spoil(s, a);
                                axpby<T>(s, n, 0.25f, a.get<T>(0), 0.f, a.get<T>(0));
                                square_sum<T>(s, n, a.get<T>(0), a.get<T>(3), a.get<T>(4));
                                finite_gate<T>(s, 1, a.get<T>(4), a.get<uint32_t>(2));
                              })),
            .unfused_name = "scale, norm"});
}

template <class T>
void add_cases() {
  for (const int64_t n : case_sizes(kImages * kImageElements)) {
    add<T>(n, -1, 0, 0);
    if (n == 33 || n == 40001)
      for (const int64_t bad : {int64_t{0}, n / 2, n - 1})
        for (const double value : {double(INFINITY), -double(INFINITY), double(NAN)}) add<T>(n, bad, value, 0);
  }
  add<T>(33, -1, 0, INFINITY);
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
