#include "kernels/softmax/softmax.h"

#include <algorithm>
#include <cmath>

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

enum class Of : uint8_t { softmax, log_softmax };

const char* prefix(Of of) { return of == Of::softmax ? "softmax" : "log_softmax"; }

template <class T>
void forward_case(int64_t rows, int cols, Of of) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case({.kernel = "softmax",
            .name = cat(prefix(of), "/", name(t), "/", rows, "x", cols),
            .arrays = {{"y", Role::out, t, n}, {"z", Role::in, t, n, -20, 20}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  const auto run = of == Of::softmax ? &softmax_forward<T> : &log_softmax_forward<T>;
                  run(s, rows, cols, a.get<T>(0), a.get<T>(1));
                },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    const double *z = &a[1][r * cols], max = *std::max_element(z, z + cols);
                    double sum = 0;
                    for (int c = 0; c < cols; ++c) sum += std::exp(z[c] - max);
                    for (int c = 0; c < cols; ++c) {
                      const double log_q = z[c] - max - std::log(sum);
                      a[0][r * cols + c] = of == Of::softmax ? std::exp(log_q) : log_q;
                    }
                  }
                },
            .tolerance = sizeof(T) == 4 ? 3e-6 : 1e-13,
            .bytes = 2.0 * n * sizeof(T),
            .flops = 4.0 * n});
}

/// y is any array here: the formulas hold for what is not a softmax, too.
template <class T>
void backward_case(int64_t rows, int cols, Of of, float beta) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case(with_sink<T>({.kernel = "softmax",
                         .name = cat(prefix(of), "_backward/", name(t), "/beta=", beta, "/", rows, "x", cols),
                         .arrays = {{"y", Role::in, t, n, -1, 0}, {"dy", Role::in, t, n}, {"dz", Role::inout, t, n}},
                         .reference =
                             [=](auto& a) {
                               for (int64_t r = 0; r < rows; ++r) {
                                 const double *y = &a[0][r * cols], *dy = &a[1][r * cols];
                                 double sum = 0;
                                 for (int c = 0; c < cols; ++c) sum += of == Of::softmax ? y[c] * dy[c] : dy[c];
                                 for (int c = 0; c < cols; ++c) {
                                   double& dz = a[2][r * cols + c];
                                   dz = beta * dz +
                                        (of == Of::softmax ? y[c] * (dy[c] - sum) : dy[c] - std::exp(y[c]) * sum);
                                 }
                               }
                             },
                         .tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13,
                         .bytes = (3.0 + beta) * n * sizeof(T),
                         .flops = 4.0 * n},
                        {.to = 2, .n = n, .beta = beta}, [=](Stream s, const CaseArgs& a, float beta, T* dz) {
                          const auto run = of == Of::softmax ? &softmax_backward<T> : &log_softmax_backward<T>;
                          run(s, rows, cols, a.get<T>(0), a.get<T>(1), beta, dz);
                        }));
}

template <class T>
void add_cases() {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int>{0, 10}, {1, 1}, {3, 31}, {5, 33}, {128, 10}, {129, 1000}, {2, 2052}})
    for (const Of of : {Of::softmax, Of::log_softmax}) {
      forward_case<T>(rows, cols, of);
      for (const float beta : {0.f, 1.f}) backward_case<T>(rows, cols, of, beta);
    }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
