#include "kernels/pgd_step/pgd_step.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/runtime/case.h"

namespace temper {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T>
void add_linf(int64_t n) {
  const DType t = dtype_of<T>();
  const PgdStep p{.radius = 0.25, .step = 0.125};
  add_case(
      {.kernel = "pgd_step",
       .axes = {{"op", "linf"}, {"dtype", t}, {"n", n}},
       .size = size_of_case(n, kImages * kImageElements),
       .arrays = {{"x", Role::inout, t, n, 0, 1}, {"grad", Role::in, t, n}, {"clean", Role::in, t, n, 0, 1}},
       .run = [=](Stream s, const CaseArgs& a) { pgd_step_linf<T>(s, n, a.get<T>(0), a.get<T>(1), a.get<T>(2), p); },
       .reference =
           [=](auto& a) {
             for (int64_t i = 0; i < n; ++i) {
               const double sign = a[1][i] > 0 ? 1 : a[1][i] < 0 ? -1 : 0, c = a[2][i];
               a[0][i] = std::clamp(std::clamp(a[0][i] + p.step * sign, c - p.radius, c + p.radius), 0.0, 1.0);
             }
           },
       .tolerance = sizeof(T) == 4 ? 1e-7 : 1e-15,
       .bytes = 4.0 * n * sizeof(T),
       // With all else switched off, and x for what is not looked at, the kernel is each of its parts and moves as
       // much.
       .unfused =
           [=](Stream s, const CaseArgs& a) {
             T* x = a.get<T>(0);
             const double inf = kInfinity;
             pgd_step_linf<T>(s, n, x, a.get<T>(1), x, {.radius = inf, .step = p.step, .lo = -inf, .hi = inf});
             pgd_step_linf<T>(s, n, x, x, a.get<T>(2), {.radius = p.radius, .lo = -inf, .hi = inf});
             pgd_step_linf<T>(s, n, x, x, x, {.radius = inf, .lo = p.lo, .hi = p.hi});
           },
       .unfused_name = "step, ball, box"});
}

/// Rows with a radius and a step of their own, some of which stay as they are.
template <class T>
void add_linf_rows(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case({.kernel = "pgd_step",
            .axes = {{"op", "linf_rows"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
            .size = size_of_case(rows, kImages),
            .arrays = {{"x", Role::inout, t, n, 0, 1},
                       {"grad", Role::in, t, n},
                       {"clean", Role::in, t, n, 0, 1},
                       {"radius", Role::in, t, rows, 0, 0.5},
                       {"step", Role::in, t, rows, 0, 0.5},
                       {"active", Role::in, DType::i32, rows, 0, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  pgd_step_linf<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), {},
                                   {a.get<T>(3), a.get<T>(4), a.get<int32_t>(5)});
                },
            .reference =
                [=](auto& a) {
                  for (int64_t i = 0; i < n; ++i) {
                    const int64_t r = i / cols;
                    if (!a[5][r]) continue;
                    const double sign = a[1][i] > 0 ? 1 : a[1][i] < 0 ? -1 : 0, c = a[2][i];
                    a[0][i] = std::clamp(std::clamp(a[0][i] + a[4][r] * sign, c - a[3][r], c + a[3][r]), 0.0, 1.0);
                  }
                },
            .tolerance = sizeof(T) == 4 ? 2e-7 : 1e-15,
            .bytes = 4.0 * n * sizeof(T)});
}

template <class T>
void add_l2(int64_t rows, int cols, double radius) {
  const DType t = dtype_of<T>();
  const PgdStep p{.radius = radius, .step = 0.5};
  const int64_t n = rows * cols;
  add_case({.kernel = "pgd_step",
            .axes = {{"op", "l2"}, {"dtype", t}, {"radius", radius}, {"shape", cat(rows, "x", cols)}},
            .size = size_of_case(rows, kImages),
            .arrays = {{"x", Role::inout, t, n, 0, 1}, {"grad", Role::in, t, n}, {"clean", Role::in, t, n, 0, 1}},
            .run = [=](Stream s,
                       const CaseArgs& a) { pgd_step_l2<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), p); },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    double *x = &a[0][r * cols], *g = &a[1][r * cols], *origin = &a[2][r * cols], g2 = 0, d2 = 0;
                    for (int c = 0; c < cols; ++c) g2 += g[c] * g[c];
                    for (int c = 0; c < cols; ++c) x[c] += p.step * g[c] / (std::sqrt(g2) + 1e-10);
                    for (int c = 0; c < cols; ++c) d2 += (x[c] - origin[c]) * (x[c] - origin[c]);
                    const double shrink = std::min(1.0, radius / std::sqrt(d2));
                    for (int c = 0; c < cols; ++c) x[c] = std::clamp(origin[c] + (x[c] - origin[c]) * shrink, 0.0, 1.0);
                  }
                },
            .tolerance = sizeof(T) == 4 ? 5e-7 : 1e-14,
            .bytes = 4.0 * n * sizeof(T)});
}

/// With a zero gradient, where the reference draws the same normal numbers, and with another.
template <class T>
void add_l2_box_first(int64_t rows, int cols, double gradient) {
  const DType t = dtype_of<T>();
  const PgdStep p{.radius = 0.3, .step = 0.5};
  const RngKey key{.seed = 3, .stream_id = RngStreamId::method, .step = 2};
  const int64_t n = rows * cols;
  add_case({.kernel = "pgd_step",
            .axes = {{"op", "l2_box_first"}, {"dtype", t}, {"gradient", gradient}, {"shape", cat(rows, "x", cols)}},
            .size = size_of_case(rows, kImages),
            .arrays = {{"x", Role::inout, t, n, 0, 1},
                       {"grad", Role::in, t, n, -gradient, gradient},
                       {"clean", Role::in, t, n, 0, 1},
                       {"ids", Role::in, DType::i32, rows, 0, 50000}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  pgd_step_l2_box_first<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), a.get<T>(2), a.get<int32_t>(3), key,
                                           p);
                },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    double *x = &a[0][r * cols], *g = &a[1][r * cols], *origin = &a[2][r * cols], g2 = 0, d2 = 0;
                    for (int c = 0; c < cols; ++c) g2 += g[c] * g[c];
                    for (int c = 0; c < cols; ++c) {
                      const double way =
                          g2 > 0 ? g[c] / std::sqrt(g2) : random_normal(key, static_cast<uint32_t>(a[3][r]), c);
                      x[c] = std::clamp(x[c] + p.step * way, 0.0, 1.0);
                      d2 += (x[c] - origin[c]) * (x[c] - origin[c]);
                    }
                    const double shrink = std::min(1.0, p.radius / std::sqrt(d2));
                    for (int c = 0; c < cols; ++c) x[c] = origin[c] + (x[c] - origin[c]) * shrink;
                  }
                },
            .tolerance = sizeof(T) == 4 ? 5e-7 : 1e-14,
            .bytes = 4.0 * n * sizeof(T)});
}

template <class T>
void add_momentum(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  add_case({.kernel = "pgd_step",
            .axes = {{"op", "momentum"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
            .size = size_of_case(rows, kImages),
            .arrays = {{"m", Role::inout, t, n}, {"grad", Role::in, t, n}},
            .run = [=](Stream s,
                       const CaseArgs& a) { accumulate_momentum<T>(s, rows, cols, a.get<T>(0), a.get<T>(1), 0.5); },
            .reference =
                [=](auto& a) {
                  for (int64_t r = 0; r < rows; ++r) {
                    double mean = 0;
                    for (int c = 0; c < cols; ++c) mean += std::abs(a[1][r * cols + c]) / cols;
                    for (int64_t i = r * cols; i < (r + 1) * cols; ++i) a[0][i] = 0.5 * a[0][i] + a[1][i] / mean;
                  }
                },
            .tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14,
            .bytes = 3.0 * n * sizeof(T)});
}

template <class T>
void add_cases() {
  for (const int64_t n : case_sizes(kImages * kImageElements)) add_linf<T>(n);
  for (const auto& [rows, cols] : {std::pair<int64_t, int>{0, 12},
                                   {1, 1},
                                   {3, 31},
                                   {5, 33},
                                   {64, 784},
                                   {33, 3072},
                                   {1, 12289},
                                   {2, 12292},
                                   {kImages, kImageElements}}) {
    for (const double radius : {0.3, 100.0}) add_l2<T>(rows, cols, radius);
    for (const double gradient : {0.0, 1.0}) add_l2_box_first<T>(rows, cols, gradient);
    add_momentum<T>(rows, cols);
    add_linf_rows<T>(rows, cols);
  }
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
