#include "kernels/unary/unary.h"

#include <cmath>

#include "kernels/axpby/sink_case.h"

namespace temper {
namespace {

constexpr ClampRange kClamp{-0.25, 0.5};
constexpr double kPlus = 0.125;

struct Values {
  double lo, hi;
};

template <class T>
void forward_case(const char* of, int64_t n, Values x, void (*run)(Stream, int64_t, T* y, const T* x),
                  double (*f)(double)) {
  const DType t = dtype_of<T>();
  add_case({.kernel = "unary",
            .axes = {{"op", of}, {"dtype", t}, {"n", n}},
            .arrays = {{"y", Role::out, t, n}, {"x", Role::in, t, n, x.lo, x.hi}},
            .run = [n, run](Stream s, const CaseArgs& a) { run(s, n, a.get<T>(0), a.get<T>(1)); },
            .reference =
                [n, f](auto& a) {
                  for (int64_t i = 0; i < n; ++i) a[0][i] = f(a[1][i]);
                },
            .tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14,
            .bytes = 2.0 * n * sizeof(T)});
}

template <class T>
void backward_case(const char* of, int64_t n, Values x, float beta,
                   void (*run)(Stream, int64_t, const T* x, const T* dy, float beta, T* dx), double (*slope)(double)) {
  const DType t = dtype_of<T>();
  add_case(with_sink<T>(
      {.kernel = "unary",
       .axes = {{"op", of}, {"dtype", t}, {"beta", beta}, {"n", n}},
       .arrays = {{"x", Role::in, t, n, x.lo, x.hi}, {"dy", Role::in, t, n}, {"dx", Role::inout, t, n}},
       .reference =
           [n, beta, slope](auto& a) {
             for (int64_t i = 0; i < n; ++i) a[2][i] = beta * a[2][i] + slope(a[0][i]) * a[1][i];
           },
       .tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14,
       .bytes = (3.0 + beta) * n * sizeof(T)},
      {.to = 2, .n = n, .beta = beta},
      [n, run](Stream s, const CaseArgs& a, float beta, T* dx) { run(s, n, a.get<T>(0), a.get<T>(1), beta, dx); }));
}

template <class T>
void add_cases() {
  for (const int64_t n : case_sizes(kImages * 10)) {
    const Values positive{0.05, 3}, any{-2, 2};
    forward_case<T>(
        "log", n, positive, [](Stream s, int64_t n, T* y, const T* x) { log_forward(s, n, kPlus, y, x); },
        [](double x) { return std::log(x + kPlus); });
    forward_case<T>("exp", n, any, &exp_forward<T>, [](double x) { return std::exp(x); });
    forward_case<T>(
        "subtract_from", n, any, [](Stream s, int64_t n, T* y, const T* x) { subtract_from(s, n, 1.5, y, x); },
        [](double x) { return 1.5 - x; });
    forward_case<T>(
        "clamp", n, any, [](Stream s, int64_t n, T* y, const T* x) { clamp_forward(s, n, kClamp, y, x); },
        [](double x) { return std::min(std::max(x, kClamp.low), kClamp.high); });
    for (const float beta : {0.f, 1.f}) {
      backward_case<T>(
          "log_backward", n, positive, beta,
          [](Stream s, int64_t n, const T* x, const T* dy, float beta, T* dx) {
            log_backward(s, n, kPlus, x, dy, beta, dx);
          },
          [](double x) { return 1 / (x + kPlus); });
      backward_case<T>(
          "clamp_backward", n, any, beta,
          [](Stream s, int64_t n, const T* x, const T* dy, float beta, T* dx) {
            clamp_backward(s, n, kClamp, x, dy, beta, dx);
          },
          [](double x) { return x >= kClamp.low && x <= kClamp.high ? 1.0 : 0.0; });
    }
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
