#include "kernels/squared_error/squared_error.h"

#include "kernels/axpby/axpby.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 4}, {1, 1}, {3, 33}, {31, 7}, {64, 3072}, {kImages, kImageElements}}) {
    const int64_t n = rows * cols;
    add_case({.kernel = "squared_error",
              .axes = {{"op", "forward"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
              .size = size_of_case(rows, kImages),
              .arrays = {{"y", Role::out, t, rows}, {"a", Role::in, t, n}, {"b", Role::in, t, n}},
              .run = [rows = rows, cols = cols](
                         Stream s,
                         const CaseArgs& a) { squared_error(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2)); },
              .reference =
                  [rows = rows, cols = cols](auto& a) {
                    for (int64_t r = 0; r < rows; ++r) {
                      a[0][r] = 0;
                      for (int64_t i = r * cols; i < (r + 1) * cols; ++i)
                        a[0][r] += (a[1][i] - a[2][i]) * (a[1][i] - a[2][i]);
                    }
                  },
              .tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14,
              .bytes = 2.0 * n * sizeof(T),
              .known = known::SquaredDistance{.rows = rows, .cols = cols, .a = 1, .b = 2, .y = 0}});
  }
  for (const int64_t n : case_sizes(kImages * kImageElements))
    for (const float beta : {0.f, 1.f})
      add_case({.kernel = "squared_error",
                .axes = {{"op", "backward"}, {"dtype", t}, {"beta", beta}, {"n", n}},
                .size = size_of_case(n, kImages * kImageElements),
                .arrays = {{"da", Role::inout, t, n},
                           {"a", Role::in, t, n},
                           {"b", Role::in, t, n},
                           {"dy", Role::in, t, 1},
                           {"difference", Role::scratch, t, n}},
                .run =
                    [n, beta](Stream s, const CaseArgs& a) {
                      squared_error_backward(s, n, beta, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<T>(3), 0.75);
                    },
                .reference =
                    [n, beta](auto& a) {
                      for (int64_t i = 0; i < n; ++i) a[0][i] = beta * a[0][i] + 1.5 * a[3][0] * (a[1][i] - a[2][i]);
                    },
                .tolerance = sizeof(T) == 4 ? 1e-6 : 1e-15,
                .bytes = (3.0 + beta) * n * sizeof(T),
                .unfused = if_any(sizeof(T) == 4, CaseBody([n, beta](Stream s, const CaseArgs& a) {
                                    weighted_sum<T>(s, n, 1.5f, a.get<T>(1), -1.5f, a.get<T>(2), a.get<T>(4));
                                    axpby<T>(s, n, ScalarArg<float>(a.get<const float>(3)), a.get<T>(4), beta,
                                             a.get<T>(0));
                                  })),
                .unfused_name = "difference, axpby"});
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
