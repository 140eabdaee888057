#include <algorithm>

#include "kernels/margin_loss/margin_loss.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

template <class T>
void add_cases() {
  const DType t = dtype_of<T>();
  for (const auto& [rows, cols] : {std::pair<int64_t, int>{0, 10}, {1, 2}, {3, 31}, {5, 33}, {128, 10}, {129, 1000}})
    for (const float kappa : {0.f, 50.f}) {
      const int64_t n = rows * cols;
      add_case({.kernel = "margin_loss",
                .axes = {{"dtype", t}, {"kappa", kappa}, {"shape", cat(rows, "x", cols)}},
                .arrays = {{"loss", Role::out, t, rows},
                           {"dlogits", Role::out, t, n},
                           {"logits", Role::in, t, n, -9, -1},
                           {"labels", Role::in, DType::i32, rows, 0, cols - 1.0}},
                .run =
                    [rows = rows, cols = cols, kappa](Stream s, const CaseArgs& a) {
                      margin_loss(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<int32_t>(3), kappa);
                    },
                .reference =
                    [rows = rows, cols = cols, kappa](auto& a) {
                      std::fill(a[1].begin(), a[1].end(), 0.0);
                      for (int64_t r = 0; r < rows; ++r) {
                        const double* z = &a[2][r * cols];
                        const int y = static_cast<int>(a[3][r]);
                        int other = y == 0 ? 1 : 0;
                        for (int c = 0; c < cols; ++c)
                          if (c != y && z[c] > z[other]) other = c;
                        const double margin = z[y] - z[other] + kappa;
                        a[0][r] = -std::max(margin, 0.0);
                        if (margin > 0) a[1][r * cols + y] = -1, a[1][r * cols + other] = 1;
                      }
                    },
                .tolerance = sizeof(T) == 4 ? 3e-7 : 1e-15,
                .bytes = (2.0 * n + rows) * sizeof(T) + 4.0 * rows});
    }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
