#include "kernels/batch_norm/batch_norm.h"

#include <cmath>

#include "kernels/axpby/axpby.h"
#include "kernels/relu/relu.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

using Arrays = std::vector<std::vector<double>>;

template <class T>
struct Cases {
  using S = compute_t<T>;
  int64_t rows;
  int channels;

  static constexpr DType t = dtype_of<T>(), s = dtype_of<S>();
  const int64_t n = rows * channels;
  const double rounding = sizeof(T) == 2 ? 1.6e-2 : sizeof(T) == 4 ? 2e-5 : 1e-12;

  const double cancelling = sizeof(S) == 4 ? 2e-9 * static_cast<double>(rows) : 0;  ///< sums of terms of either sign

  CaseArray in(const char* name, double lo = -1, double hi = 1) const { return {name, Role::in, t, n, lo, hi}; }
  CaseArray param(const char* name, double lo = -1, double hi = 1) const {
    return {name, Role::in, s, channels, lo, hi};
  }
  CaseArray result(const char* name) const { return {name, Role::out, s, channels}; }
  CaseArray scratch(const char* name) const { return {name, Role::scratch, t, n}; }
  CaseArray workspace() const { return {"workspace", Role::scratch, s, batch_norm_workspace(rows, channels)}; }
  std::string title(const std::string& variant) const {
    return cat(variant, "/", name(t), "/rows=", rows, "/channels=", channels);
  }
  static BatchNormAffine<S> affine(const CaseArgs& a, int first) {
    return {a.get<S>(first), a.get<S>(first + 1), a.get<S>(first + 2), a.get<S>(first + 3)};
  }
  std::vector<CaseArray> with_affine(std::vector<CaseArray> arrays) const {
    for (const CaseArray& p : {param("mean"), param("invstd", 0.5, 2), param("gamma"), param("beta")})
      arrays.push_back(p);
    return arrays;
  }
  /// f(element, channel) for all elements.
  template <class F>
  void each(F f) const {
    for (int64_t i = 0; i < n; ++i) f(i, static_cast<int>(i % channels));
  }

  void statistics(double lo, double hi, bool update) const {
    add_case({.kernel = "batch_norm",
              .name = title(cat("statistics/around ", (lo + hi) / 2, update ? "/update" : "")),
              .arrays = {in("x", lo, hi),
                         result("mean"),
                         result("invstd"),
                         workspace(),
                         {"running_mean", update ? Role::inout : Role::in, s, channels},
                         {"running_var", update ? Role::inout : Role::in, s, channels, 0.5, 1.5}},
              .run =
                  [*this, update](Stream stream, const CaseArgs& a) {
                    BatchNormRunning<S> running{.momentum = 0.3};
                    if (update) running = {a.get<S>(4), a.get<S>(5), 0.3};
                    batch_norm_statistics<T>(stream, rows, channels, a.get<S>(1), a.get<S>(2), a.get<S>(3), a.get<T>(0),
                                             0.01, running);
                  },
              .reference =
                  [*this, update](Arrays& a) {
                    std::vector<double> mean(channels), m2(channels);
                    each([&](int64_t i, int c) { mean[c] += a[0][i] / rows; });
                    each([&](int64_t i, int c) { m2[c] += (a[0][i] - mean[c]) * (a[0][i] - mean[c]); });
                    for (int c = 0; c < channels; ++c) {
                      a[1][c] = mean[c];
                      a[2][c] = 1 / std::sqrt(m2[c] / rows + 0.01);
                      if (!update) continue;
                      a[4][c] += 0.3 * (mean[c] - a[4][c]);
                      a[5][c] += 0.3 * (m2[c] / std::max<int64_t>(rows - 1, 1) - a[5][c]);
                    }
                  },
              .tolerance = sizeof(S) == 4 ? 2e-5 : 1e-12,
              .bytes = 1.0 * n * sizeof(T)});
  }

  /// Sums as they come, or with squares too small for any variance.
  void statistics_of(bool possible) const {
    const double least = possible ? -0.5 * rows : 2.0 * rows;
    add_case({.kernel = "batch_norm",
              .name = title(cat("statistics of sums", possible ? "" : "/no variance")),
              .arrays = {{"sum", Role::in, s, channels, least, least + rows},
                         {"squares", Role::in, s, channels, 1.0 * rows, 2.0 * rows},
                         result("mean"),
                         result("invstd"),
                         {"running_mean", Role::inout, s, channels},
                         {"running_var", Role::inout, s, channels, 0.5, 1.5}},
              .run =
                  [*this](Stream stream, const CaseArgs& a) {
                    batch_norm_statistics_of<S>(stream, rows, channels, a.get<S>(2), a.get<S>(3), a.get<S>(0),
                                                a.get<S>(1), 0.01, {a.get<S>(4), a.get<S>(5), 0.3});
                  },
              .reference =
                  [*this](Arrays& a) {
                    for (int c = 0; c < channels; ++c) {
                      const double mean = a[0][c] / rows, var = std::max(a[1][c] / rows - mean * mean, 0.0);
                      a[2][c] = mean;
                      a[3][c] = 1 / std::sqrt(var + 0.01);
                      a[4][c] += 0.3 * (mean - a[4][c]);
                      a[5][c] += 0.3 * (var * rows / std::max<int64_t>(rows - 1, 1) - a[5][c]);
                    }
                  },
              .tolerance = sizeof(S) == 4 ? 2e-6 : 1e-12,
              .bytes = 8.0 * channels * sizeof(S)});
  }

  void apply_in_parts(Stream stream, const CaseArgs& a, bool residual, BatchNormRelu relu) const {
    batch_norm_apply<T>(stream, rows, channels, a.get<T>(0), a.get<T>(1), nullptr, affine(a, 3), BatchNormRelu::no);
    if (residual) axpby<T>(stream, n, 1.f, a.get<T>(2), 1.f, a.get<T>(0));
    if (relu == BatchNormRelu::yes) relu_forward<T>(stream, n, a.get<T>(0), a.get<T>(0));
  }

  void apply(bool residual, BatchNormRelu relu) const {
    add_case(
        {.kernel = "batch_norm",
         .name = title(cat("apply", residual ? "/residual" : "", relu == BatchNormRelu::yes ? "/relu" : "")),
         .arrays = with_affine({{"y", Role::out, t, n}, in("x"), in("residual")}),
         .run =
             [*this, residual, relu](Stream stream, const CaseArgs& a) {
               batch_norm_apply<T>(stream, rows, channels, a.get<T>(0), a.get<T>(1), residual ? a.get<T>(2) : nullptr,
                                   affine(a, 3), relu);
             },
         .reference =
             [*this, residual, relu](Arrays& a) {
               each([&](int64_t i, int c) {
                 const double y = (a[1][i] - a[3][c]) * a[4][c] * a[5][c] + a[6][c] + (residual ? a[2][i] : 0);
                 a[0][i] = relu == BatchNormRelu::yes ? std::max(y, 0.0) : y;
               });
             },
         .tolerance = rounding,
         .bytes = (residual ? 3.0 : 2.0) * n * sizeof(T),
         .unfused = if_any(residual || relu == BatchNormRelu::yes,
                           CaseBody([*this, residual, relu](Stream stream, const CaseArgs& a) {
                             apply_in_parts(stream, a, residual, relu);
                           })),
         .unfused_name = cat("apply", residual ? ", add" : "", relu == BatchNormRelu::yes ? ", relu" : ""),
         .known = if_any(
             !residual && relu == BatchNormRelu::no,
             known::BatchNormApply{
                 .rows = rows, .channels = channels, .x = 1, .mean = 3, .invstd = 4, .gamma = 5, .beta = 6, .y = 0})});
  }

  /// Statistics and what they are for, one after the other as a network's forward pass runs them.
  void forward() const {
    add_case(
        {.kernel = "batch_norm",
         .name = title("forward"),
         .arrays = {{"y", Role::out, t, n},
                    result("mean"),
                    result("invstd"),
                    workspace(),
                    in("x"),
                    param("gamma"),
                    param("beta")},
         .run =
             [*this](Stream stream, const CaseArgs& a) {
               batch_norm_statistics<T>(stream, rows, channels, a.get<S>(1), a.get<S>(2), a.get<S>(3), a.get<T>(4),
                                        0.01, {});
               batch_norm_apply<T>(stream, rows, channels, a.get<T>(0), a.get<T>(4), nullptr,
                                   {a.get<S>(1), a.get<S>(2), a.get<S>(5), a.get<S>(6)}, BatchNormRelu::no);
             },
         .reference =
             [*this](Arrays& a) {
               std::vector<double> m2(channels);
               std::fill(a[1].begin(), a[1].end(), 0);
               each([&](int64_t i, int c) { a[1][c] += a[4][i] / rows; });
               each([&](int64_t i, int c) { m2[c] += (a[4][i] - a[1][c]) * (a[4][i] - a[1][c]); });
               for (int c = 0; c < channels; ++c) a[2][c] = 1 / std::sqrt(m2[c] / rows + 0.01);
               each([&](int64_t i, int c) { a[0][i] = (a[4][i] - a[1][c]) * a[2][c] * a[5][c] + a[6][c]; });
             },
         .tolerance = rounding,
         .bytes = 3.0 * n * sizeof(T),
         .known =
             known::BatchNormForward{
                 .rows = rows, .channels = channels, .eps = 0.01f, .x = 4, .gamma = 5, .beta = 6, .y = 0, .mean = 1}});
  }

  static bool kept(const Arrays& a, int64_t i, int c, BatchNormMask mask, int y, int x, int first) {
    if (mask == BatchNormMask::from_y) return a[y][i] > 0;
    if (mask == BatchNormMask::none) return true;
    return (a[x][i] - a[first][c]) * a[first + 1][c] * a[first + 2][c] + a[first + 3][c] > 0;
  }

  void sums(const char* variant, BatchNormMask mask) const {
    const bool in_place = mask == BatchNormMask::from_y;
    std::vector<CaseArray> arrays =
        with_affine({result("dgamma"),
                     result("dbeta"),
                     workspace(),
                     {"dy", in_place ? Role::inout : Role::in, t, n},
                     in("x"),
                     {"y", mask == BatchNormMask::from_x ? Role::scratch : Role::in, t, n}});
    if (mask == BatchNormMask::from_x) arrays.push_back(scratch("dz"));
    add_case({.kernel = "batch_norm",
              .name = title(cat("backward_sums/", variant)),
              .arrays = arrays,
              .run =
                  [*this, mask](Stream stream, const CaseArgs& a) {
                    batch_norm_backward_sums<T>(stream, rows, channels, a.get<S>(0), a.get<S>(1), a.get<S>(2),
                                                a.get<T>(3), a.get<T>(4), a.get<T>(5), affine(a, 6), mask);
                  },
              .reference =
                  [*this, mask, in_place](Arrays& a) {
                    std::fill(a[0].begin(), a[0].end(), 0);
                    std::fill(a[1].begin(), a[1].end(), 0);
                    each([&](int64_t i, int c) {
                      const double dz = kept(a, i, c, mask, 5, 4, 6) ? a[3][i] : 0;
                      if (in_place) a[3][i] = dz;
                      a[0][c] += dz * (a[4][i] - a[6][c]) * a[7][c];
                      a[1][c] += dz;
                    });
                  },
              .tolerance = sizeof(S) == 4 ? 2e-5 + cancelling : 1e-12,
              .bytes = (in_place ? 4.0 : 2.0) * n * sizeof(T),
              .unfused = if_any(mask != BatchNormMask::none, CaseBody([*this, mask](Stream stream, const CaseArgs& a) {
                                  T* dz = a.get<T>(mask == BatchNormMask::from_y ? 3 : 10);
                                  relu_backward<T>(stream, n, a.get<T>(5), a.get<T>(3), 0.f, dz);
                                  batch_norm_backward_sums<T>(stream, rows, channels, a.get<S>(0), a.get<S>(1),
                                                              a.get<S>(2), dz, a.get<T>(4), nullptr, affine(a, 6),
                                                              BatchNormMask::none);
                                })),
              .unfused_name = "relu backward, sums",
              .unfused_setup = keep_y(mask, 5, 4, 6)});
  }

  /// Without recomputation the forward pass keeps y.
  CaseBody keep_y(BatchNormMask mask, int y, int x, int first) const {
    if (mask != BatchNormMask::from_x) return {};
    return [*this, y, x, first](Stream stream, const CaseArgs& a) {
      batch_norm_apply<T>(stream, rows, channels, a.get<T>(y), a.get<T>(x), nullptr, affine(a, first),
                          BatchNormRelu::yes);
    };
  }

  /// Both halves of the gradient, as a network's backward pass runs them one after the other; one mask serves both.
  void backward(const char* variant, BatchNormMask mask) const {
    add_case({.kernel = "batch_norm",
              .name = title(cat("backward/", variant)),
              .arrays = with_affine({{"dx", Role::out, t, n},
                                     result("dgamma"),
                                     result("dbeta"),
                                     workspace(),
                                     {"dy", Role::in, t, n},
                                     in("x"),
                                     scratch("y")}),
              .run = [*this, mask](Stream stream, const CaseArgs& a) { backward_halves(stream, a, a.get<T>(4), mask); },
              .reference =
                  [*this, mask](Arrays& a) {
                    std::fill(a[1].begin(), a[1].end(), 0);
                    std::fill(a[2].begin(), a[2].end(), 0);
                    const auto dz = [&](int64_t i, int c) { return kept(a, i, c, mask, 6, 5, 7) ? a[4][i] : 0; };
                    const auto xhat = [&](int64_t i, int c) { return (a[5][i] - a[7][c]) * a[8][c]; };
                    each([&](int64_t i, int c) {
                      a[1][c] += dz(i, c) * xhat(i, c);
                      a[2][c] += dz(i, c);
                    });
                    each([&](int64_t i, int c) {
                      a[0][i] = a[9][c] * a[8][c] * (dz(i, c) - a[2][c] / rows - xhat(i, c) * a[1][c] / rows);
                    });
                  },
              .tolerance = rounding + cancelling,
              .bytes = 5.0 * n * sizeof(T),
              .unfused = if_any(mask != BatchNormMask::none, CaseBody([*this](Stream stream, const CaseArgs& a) {
                                  relu_backward<T>(stream, n, a.get<T>(6), a.get<T>(4), 0.f, a.get<T>(0));
                                  backward_halves(stream, a, a.get<T>(0), BatchNormMask::none);
                                })),
              .unfused_name = "relu backward, backward",
              .unfused_setup = keep_y(mask, 6, 5, 7),
              .known = if_any(mask == BatchNormMask::none, known::BatchNormBackward{.rows = rows,
                                                                                    .channels = channels,
                                                                                    .x = 5,
                                                                                    .dy = 4,
                                                                                    .mean = 7,
                                                                                    .invstd = 8,
                                                                                    .gamma = 9,
                                                                                    .dx = 0,
                                                                                    .dgamma = 1,
                                                                                    .dbeta = 2})});
  }
  void backward_halves(Stream stream, const CaseArgs& a, T* dy, BatchNormMask mask) const {
    batch_norm_backward_sums<T>(stream, rows, channels, a.get<S>(1), a.get<S>(2), a.get<S>(3), dy, a.get<T>(5), nullptr,
                                affine(a, 7), mask);
    batch_norm_backward_batch<T>(stream, rows, channels, 0.f, a.get<T>(0), dy, a.get<T>(5), a.get<S>(1), a.get<S>(2),
                                 affine(a, 7), mask);
  }

  void batch(const char* variant, BatchNormMask mask, float sink) const {
    add_case({.kernel = "batch_norm",
              .name = title(cat("backward_batch/", variant, "/sink=", sink)),
              .arrays = with_affine({{"dx", Role::inout, t, n}, in("dy"), in("x"), param("dgamma"), param("dbeta")}),
              .run =
                  [*this, mask, sink](Stream stream, const CaseArgs& a) {
                    batch_norm_backward_batch<T>(stream, rows, channels, sink, a.get<T>(0), a.get<T>(1), a.get<T>(2),
                                                 a.get<S>(3), a.get<S>(4), affine(a, 5), mask);
                  },
              .reference =
                  [*this, mask, sink](Arrays& a) {
                    each([&](int64_t i, int c) {
                      const double dz = kept(a, i, c, mask, 0, 2, 5) ? a[1][i] : 0;
                      const double xhat = (a[2][i] - a[5][c]) * a[6][c];
                      a[0][i] = sink * a[0][i] + a[7][c] * a[6][c] * (dz - a[4][c] / rows - xhat * a[3][c] / rows);
                    });
                  },
              .tolerance = rounding,
              .bytes = (3.0 + sink) * n * sizeof(T)});
  }

  void running(bool masked, float sink) const {
    add_case({.kernel = "batch_norm",
              .name = title(cat("backward_running", masked ? "/relu" : "", "/sink=", sink)),
              .arrays = {{"dx", Role::inout, t, n}, in("dy"), in("y"), param("invstd", 0.5, 2), param("gamma")},
              .run =
                  [*this, masked, sink](Stream stream, const CaseArgs& a) {
                    batch_norm_backward_running<T>(stream, rows, channels, sink, a.get<T>(0), a.get<T>(1),
                                                   masked ? a.get<T>(2) : nullptr, a.get<S>(3), a.get<S>(4));
                  },
              .reference =
                  [*this, masked, sink](Arrays& a) {
                    each([&](int64_t i, int c) {
                      const double dz = masked && a[2][i] <= 0 ? 0 : a[1][i];
                      a[0][i] = sink * a[0][i] + a[3][c] * a[4][c] * dz;
                    });
                  },
              .tolerance = rounding,
              .bytes = (masked ? 3.0 + sink : 2.0 + sink) * n * sizeof(T),
              .unfused = if_any(masked && sink == 0, CaseBody([*this](Stream stream, const CaseArgs& a) {
                                  T* dx = a.get<T>(0);
                                  relu_backward<T>(stream, n, a.get<T>(2), a.get<T>(1), 0.f, dx);
                                  batch_norm_backward_running<T>(stream, rows, channels, 0.f, dx, dx, nullptr,
                                                                 a.get<S>(3), a.get<S>(4));
                                })),
              .unfused_name = "relu backward, backward"});
  }

  void all() const {
    for (const bool update : {false, true}) statistics(-1, 1, update);
    statistics(99.5, 100.5, true);
    if (t == s)  // sums are never 16 bits
      for (const bool possible : {true, false}) statistics_of(possible);
    for (const bool residual : {false, true})
      for (const BatchNormRelu relu : {BatchNormRelu::no, BatchNormRelu::yes}) apply(residual, relu);
    forward();
    sums("plain", BatchNormMask::none);
    sums("mask from x", BatchNormMask::from_x);
    sums("mask from y", BatchNormMask::from_y);
    backward("plain", BatchNormMask::none);
    backward("mask from x", BatchNormMask::from_x);
    for (const float sink : {0.f, 1.f}) {
      batch("plain", BatchNormMask::none, sink);
      batch("mask from x", BatchNormMask::from_x, sink);
      for (const bool masked : {false, true}) running(masked, sink);
    }
  }
};

template <class T>
void add_large_cases(int64_t rows, int channels) {
  const Cases<T> cases{rows, channels};
  cases.statistics(-1, 1, true);
  cases.forward();
  cases.apply(false, BatchNormRelu::no);
  for (const bool residual : {false, true}) cases.apply(residual, BatchNormRelu::yes);
  cases.sums("mask from x", BatchNormMask::from_x);
  cases.sums("mask from y", BatchNormMask::from_y);
  cases.backward("plain", BatchNormMask::none);
  cases.backward("mask from x", BatchNormMask::from_x);
  cases.batch("plain", BatchNormMask::none, 0.f);
  cases.batch("mask from x", BatchNormMask::from_x, 0.f);
  cases.running(true, 0.f);
}

void add_cases(int64_t rows, int channels) {
  Cases<float>{rows, channels}.all();
  Cases<double>{rows, channels}.all();
  Cases<bfloat16>{rows, channels}.all();
  Cases<float16>{rows, channels}.all();
}

const CaseGroup group([] {
  for (const int64_t rows : {1, 7, 1000})
    for (const int channels : {1, 3, 10, 16, 64, 100}) add_cases(rows, channels);
  add_cases(7, 2052);  // more channels than one block has threads for
  for (const auto& [rows, channels] : kActivations) {
    add_large_cases<float>(rows, channels);
    add_large_cases<bfloat16>(rows, channels);
  }
});

}  // namespace
}  // namespace temper
