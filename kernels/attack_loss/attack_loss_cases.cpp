#include "kernels/attack_loss/attack_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// log softmax(z), with the classes in `but` left out of the sum.
std::vector<double> log_softmax(const double* z, int cols, int but = -1) {
  double max = -std::numeric_limits<double>::infinity(), sum = 0;
  for (int c = 0; c < cols; ++c)
    if (c != but) max = std::max(max, z[c]);
  for (int c = 0; c < cols; ++c)
    if (c != but) sum += std::exp(z[c] - max);
  std::vector<double> out(static_cast<size_t>(cols));
  for (int c = 0; c < cols; ++c) out[c] = z[c] - max - std::log(sum);
  return out;
}

/// `reach`: of the logits. At 1e4 every probability but one is 0 in either type.
template <class T>
void log_odds_case(int64_t rows, int cols, double reach) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case({.kernel = "attack_loss",
            .axes = {{"op", "log_odds"}, {"dtype", t}, {"logits", reach}, {"shape", cat(rows, "x", cols)}},
            .arrays = {{"value", Role::out, t, rows},
                       {"dlogits", Role::out, t, n},
                       {"logits", Role::in, t, n, -reach, reach},
                       {"labels", Role::in, DType::i32, rows, 0, cols - 1.0}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  log_odds(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<int32_t>(3));
                },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    const int y = static_cast<int>(a[3][r]);
                    const std::vector<double> others = log_softmax(&a[2][r * cols], cols, y);
                    a[0][r] = -others[y];
                    for (int c = 0; c < cols; ++c) a[1][r * cols + c] = c == y ? -1 : std::exp(others[c]);
                  }
                },
            .tolerance = sizeof(T) == 4 ? 3e-6 : 1e-13,
            .bytes = (2.0 * n + rows) * sizeof(T) + 4.0 * rows,
            .flops = 6.0 * n});
}

template <class T>
void kl_direction_case(int64_t rows, int cols, double reach) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case({.kernel = "attack_loss",
            .axes = {{"op", "kl_direction"}, {"dtype", t}, {"logits", reach}, {"shape", cat(rows, "x", cols)}},
            .arrays = {{"value", Role::out, t, rows},
                       {"dlogits", Role::out, t, n},
                       {"logits", Role::in, t, n, -reach, reach},
                       {"target", Role::in, t, n, -reach, reach}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  kl_direction(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<T>(3));
                },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    const std::vector<double> q = log_softmax(&a[2][r * cols], cols),
                                              p = log_softmax(&a[3][r * cols], cols);
                    double most = 0;
                    a[0][r] = 0;
                    for (int c = 0; c < cols; ++c) {
                      a[0][r] += std::exp(p[c]) * (p[c] - q[c]);
                      most = std::max(most, std::abs(std::exp(q[c]) - std::exp(p[c])));
                    }
                    for (int c = 0; c < cols; ++c)
                      a[1][r * cols + c] = most > 0 ? (std::exp(q[c]) - std::exp(p[c])) / most : 0;
                  }
                },
            // The class with most of p gets what all others leave, and their rounding.
            .tolerance = (sizeof(T) == 4 ? 1e-5 : 1e-12) * std::max(1.0, cols / 50.0),
            .bytes = (3.0 * n + rows) * sizeof(T),
            .flops = 30.0 * n});
}

template <class T>
void add_cases() {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 10}, {1, 2}, {3, 31}, {5, 33}, {128, 10}, {129, 1000}, {2, 2052}}) {
    for (const double reach : {5.0, 1e4}) log_odds_case<T>(rows, cols, reach);
    kl_direction_case<T>(rows, cols, 5);
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
