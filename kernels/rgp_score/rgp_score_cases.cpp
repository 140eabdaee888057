#include "kernels/rgp_score/rgp_score.h"

#include <cmath>

#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  const std::pair<const char*, RgpForm> forms[] = {
      {"abs", RgpForm::abs}, {"signed_sum", RgpForm::signed_sum}, {"abs_of_sum", RgpForm::abs_of_sum}};
  for (const int64_t n : case_sizes(kParameters))
    for (const auto& [label, form] : forms)
      add_case({.kernel = "rgp_score",
                .name = cat(label, "/", name(t), "/n=", n),
                .arrays = {{"score", Role::out, t, n}, {"natural", Role::in, t, n}, {"robust", Role::in, t, n}},
                .run = [n, form = form](
                           Stream s,
                           const CaseArgs& a) { rgp_score<T>(s, n, a.get<T>(0), a.get<T>(1), a.get<T>(2), 0.3, form); },
                .reference =
                    [n, form = form](auto& a) {
                      for (int64_t i = 0; i < n; ++i) {
                        const double sum = 0.3 * a[1][i] + 0.7 * a[2][i];
                        const double paper = 0.3 * std::abs(a[1][i]) + 0.7 * std::abs(a[2][i]);
                        a[0][i] = form == RgpForm::abs ? paper : form == RgpForm::signed_sum ? sum : std::abs(sum);
                      }
                    },
                .tolerance = sizeof(T) == 4 ? 2e-7 : 1e-15,
                .bytes = 3.0 * n * sizeof(T)});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
