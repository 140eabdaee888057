#include <cmath>

#include "kernels/fold_filter/fold_filter.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

enum class Bias : uint8_t { none, given };

template <class T, class Out>
void add_cases() {
  const DType t = dtype_of<T>(), out = dtype_of<Out>();
  for (const auto& [k, taps] : {std::pair<int64_t, int>{0, 9}, {1, 1}, {10, 27}, {33, 31}, {64, 576}, {512, 4608}})
    for (const Bias bias : {Bias::none, Bias::given}) {
      const int64_t n = k * taps;
      add_case({.kernel = "fold_filter",
                .name = cat(name(t), "-", name(out), bias == Bias::none ? "/no bias/" : "/bias/", k, "x", taps),
                .size = size_of_case(k, 512),
                .arrays = {{"w_out", Role::out, out, n},
                           {"bias_out", Role::out, out, k},
                           {"w", Role::in, t, n},
                           {"bias", Role::in, t, k},
                           {"gamma", Role::in, t, k},
                           {"beta", Role::in, t, k},
                           {"mean", Role::in, t, k},
                           {"variance", Role::in, t, k, 0.1, 2}},
                .run =
                    [k = k, taps = taps, bias](Stream s, const CaseArgs& a) {
                      fold_filter<T, Out>(s, k, taps, a.get<Out>(0), a.get<Out>(1),
                                          {.w = a.get<T>(2),
                                           .bias = bias == Bias::none ? nullptr : a.get<T>(3),
                                           .gamma = a.get<T>(4),
                                           .beta = a.get<T>(5),
                                           .mean = a.get<T>(6),
                                           .variance = a.get<T>(7),
                                           .eps = 1e-5});
                    },
                .reference =
                    [k = k, taps = taps, bias](auto& a) {
                      for (int64_t c = 0; c < k; ++c) {
                        const double s = a[4][c] / std::sqrt(a[7][c] + 1e-5);
                        for (int64_t i = c * taps; i < (c + 1) * taps; ++i) a[0][i] = s * a[2][i];
                        a[1][c] = a[5][c] + ((bias == Bias::none ? 0 : a[3][c]) - a[6][c]) * s;
                      }
                    },
                .tolerance = sizeof(Out) == 2   ? 8e-3
                             : sizeof(Out) == 4 ? 1e-6
                                                : 1e-14,
                .bytes = double(n) * (sizeof(T) + sizeof(Out))});
    }
}

const CaseGroup group([] {
  add_cases<float, float>();
  add_cases<float, bfloat16>();
  add_cases<float, float16>();
  add_cases<double, double>();
});

}  // namespace
}  // namespace temper
