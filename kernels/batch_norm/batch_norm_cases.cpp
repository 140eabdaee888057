#include <cmath>

#include "kernels/axpby/axpby.h"
#include "kernels/batch_norm/batch_norm_cases.h"
#include "kernels/relu/relu.h"

namespace temper {
namespace {

using Arrays = std::vector<std::vector<double>>;

template <class T>
struct Forward : BatchNormCases<T> {
  using Base = BatchNormCases<T>;
  using Base::affine, Base::cancelling, Base::channels, Base::each, Base::in, Base::n, Base::param, Base::result;
  using Base::rounding, Base::rows, Base::s, Base::scratch, Base::size, Base::t, Base::title, Base::with_affine,
      Base::workspace;
  using typename Base::S;

  void statistics(double lo, double hi, bool update) const {
    add_case({.kernel = "batch_norm",
              .name = title(cat("statistics/around ", (lo + hi) / 2, update ? "/update" : "")),
              .size = size(),
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
              .size = size(),
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
         .size = size(),
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
         .known = known_if(
             !residual && relu == BatchNormRelu::no,
             known::BatchNormApply{
                 .rows = rows, .channels = channels, .x = 1, .mean = 3, .invstd = 4, .gamma = 5, .beta = 6, .y = 0})});
  }

  /// Statistics and what they are for, one after the other as a network's forward pass runs them.
  void forward() const {
    add_case(
        {.kernel = "batch_norm",
         .name = title("forward"),
         .size = size(),
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

  void all() const {
    for (const bool update : {false, true}) statistics(-1, 1, update);
    statistics(99.5, 100.5, true);
    if (t == s)  // sums are never 16 bits
      for (const bool possible : {true, false}) statistics_of(possible);
    for (const bool residual : {false, true})
      for (const BatchNormRelu relu : {BatchNormRelu::no, BatchNormRelu::yes}) apply(residual, relu);
    forward();
  }
  void large() const {
    statistics(-1, 1, true);
    forward();
    apply(false, BatchNormRelu::no);
    for (const bool residual : {false, true}) apply(residual, BatchNormRelu::yes);
  }
};

const CaseGroup group([] {
  each_batch_norm_size([]<class T>(int64_t rows, int channels, T) { Forward<T>{{rows, channels}}.all(); });
  each_large_batch_norm_size([]<class T>(int64_t rows, int channels, T) { Forward<T>{{rows, channels}}.large(); });
});

}  // namespace
}  // namespace temper
