#include "kernels/rgp_score/rgp_score.h"

#include <cmath>

#include "kernels/axpby/axpby.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// y = |x|: what a prominence is that takes everything from one gradient.
template <class T>
void absolute(Stream s, int64_t n, T* y, const T* x) {
  rgp_score<T>(s, n, y, x, x, 1.0, RgpForm::abs);
}

/// The signed sum is one elementary step.
template <class T>
CaseBody in_parts(int64_t n, RgpForm form) {
  if (form == RgpForm::signed_sum || sizeof(T) != 4) return {};  // sums have their factors in f32
  return [n, form](Stream s, const CaseArgs& a) {
    T *score = a.get<T>(0), *scratch = a.get<T>(3);
    const T *natural = a.get<T>(1), *robust = a.get<T>(2);
    if (form == RgpForm::abs) {
      absolute<T>(s, n, scratch, natural);
      absolute<T>(s, n, score, robust);
      weighted_sum<T>(s, n, 0.3f, scratch, 0.7f, score, score);
    } else {
      weighted_sum<T>(s, n, 0.3f, natural, 0.7f, robust, score);
      absolute<T>(s, n, score, score);
    }
  };
}

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  const std::pair<const char*, RgpForm> forms[] = {
      {"abs", RgpForm::abs}, {"signed_sum", RgpForm::signed_sum}, {"abs_of_sum", RgpForm::abs_of_sum}};
  for (const int64_t n : case_sizes(kParameters))
    for (const auto& [label, form] : forms)
      add_case({.kernel = "rgp_score",
                .axes = {{"op", label}, {"dtype", t}, {"n", n}},
                .size = size_of_case(n, kParameters),
                .arrays = {{"score", Role::out, t, n},
                           {"natural", Role::in, t, n},
                           {"robust", Role::in, t, n},
                           {"scratch", Role::scratch, t, form == RgpForm::abs ? n : 0}},
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
                .bytes = 3.0 * n * sizeof(T),
                .unfused = in_parts<T>(n, form),
                .unfused_name = form == RgpForm::abs ? "abs twice, sum" : "sum, abs",
                .known = known_if(form == RgpForm::signed_sum,
                                  known::WeightedSum{.n = n, .alpha = 0.3f, .beta = 0.7f, .x = 1, .y = 2, .z = 0})});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
