#include <cmath>

#include "kernels/runtime/case.h"
#include "kernels/softmax_loss/softmax_loss.h"

namespace temper {
namespace {

std::vector<double> softmax(const double* z, int cols, double temperature) {
  double max = z[0], sum = 0;
  for (int c = 1; c < cols; ++c) max = std::max(max, z[c]);
  std::vector<double> q(cols);
  for (int c = 0; c < cols; ++c) sum += q[c] = std::exp((z[c] - max) / temperature);
  for (double& v : q) v /= sum;
  return q;
}

template <class T>
void cross_entropy_case(int64_t rows, int cols, float smoothing) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case({.kernel = "softmax_loss",
            .axes = {{"op", "cross_entropy"}, {"dtype", t}, {"smoothing", smoothing}, {"shape", cat(rows, "x", cols)}},
            .arrays = {{"loss", Role::out, t, rows},
                       {"dlogits", Role::out, t, n},
                       {"logits", Role::in, t, n, -20, 20},
                       {"labels", Role::in, DType::i32, rows, 0, cols - 1.0}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  softmax_cross_entropy(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<int32_t>(3),
                                        smoothing);
                },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    const std::vector<double> q = softmax(&a[2][r * cols], cols, 1);
                    a[0][r] = 0;
                    for (int c = 0; c < cols; ++c) {
                      const double target = (c == a[3][r] ? 1 - double{smoothing} : 0) + double{smoothing} / cols;
                      if (target > 0) a[0][r] -= target * std::log(q[c]);
                      a[1][r * cols + c] = q[c] - target;
                    }
                  }
                },
            .tolerance = sizeof(T) == 4 ? 3e-6 : 1e-13,
            .bytes = (2.0 * n + rows) * sizeof(T) + 4.0 * rows,
            .flops = 8.0 * n});
}

template <class T>
void soft_case(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case(
      {.kernel = "softmax_loss",
       .axes = {{"op", "soft_cross_entropy"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
       .arrays = {{"loss", Role::out, t, rows},
                  {"dlogits", Role::out, t, n},
                  {"logits", Role::in, t, n, -5, 5},
                  {"target", Role::in, t, n, 0, 2.0 / cols}},
       .run =
           [=](Stream s, const CaseArgs& a) {
             softmax_soft_cross_entropy(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<T>(3));
           },
       .reference =
           [=](auto& a) {
             for (int64_t r = 0; r < rows; ++r) {
               const std::vector<double> q = softmax(&a[2][r * cols], cols, 1);
               const double* target = &a[3][r * cols];
               double mass = 0;
               a[0][r] = 0;
               for (int c = 0; c < cols; ++c) mass += target[c], a[0][r] -= target[c] * std::log(q[c]);
               for (int c = 0; c < cols; ++c) a[1][r * cols + c] = q[c] * mass - target[c];
             }
           },
       .tolerance = sizeof(T) == 4 ? 3e-6 : 1e-13,
       .bytes = (3.0 * n + rows) * sizeof(T),
       .flops = 8.0 * n,
       .known =
           known::SoftCrossEntropy{.rows = rows, .cols = cols, .logits = 2, .target = 3, .loss = 0, .dlogits = 1}});
}

template <class T>
void kl_case(int64_t rows, int cols, float temperature) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case({.kernel = "softmax_loss",
            .axes = {{"op", "kl"}, {"dtype", t}, {"temperature", temperature}, {"shape", cat(rows, "x", cols)}},
            .arrays = {{"loss", Role::out, t, rows},
                       {"dlogits", Role::out, t, n},
                       {"dtarget", Role::out, t, n},
                       {"logits", Role::in, t, n, -5, 5},
                       {"target", Role::in, t, n, -5, 5}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  softmax_kl(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<T>(3), a.get<T>(4),
                             temperature);
                },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    const std::vector<double> q = softmax(&a[3][r * cols], cols, temperature);
                    const std::vector<double> p = softmax(&a[4][r * cols], cols, temperature);
                    a[0][r] = 0;
                    for (int c = 0; c < cols; ++c) a[0][r] += p[c] * std::log(p[c] / q[c]);
                    for (int c = 0; c < cols; ++c) {
                      a[1][r * cols + c] = (q[c] - p[c]) / temperature;
                      a[2][r * cols + c] = p[c] * (std::log(p[c] / q[c]) - a[0][r]) / temperature;
                    }
                  }
                },
            .tolerance = sizeof(T) == 4 ? 3e-6 : 1e-13,
            .bytes = (4.0 * n + rows) * sizeof(T),
            .flops = 20.0 * n});
}

template <class T>
void add_cases() {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 10}, {1, 1}, {3, 31}, {5, 33}, {128, 10}, {129, 1000}, {2, 2052}}) {
    for (const float smoothing : {0.f, 0.1f}) cross_entropy_case<T>(rows, cols, smoothing);
    soft_case<T>(rows, cols);
    for (const float temperature : {1.f, 4.f}) kl_case<T>(rows, cols, temperature);
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
