#include "kernels/batch_norm/batch_norm_cases.h"
#include "kernels/relu/relu.h"

namespace temper {
namespace {

using Arrays = std::vector<std::vector<double>>;

template <class T>
struct Backward : BatchNormCases<T> {
  using Base = BatchNormCases<T>;
  using Base::affine, Base::cancelling, Base::channels, Base::each, Base::in, Base::n, Base::param, Base::result;
  using Base::rounding, Base::rows, Base::s, Base::scratch, Base::size, Base::t, Base::title, Base::with_affine,
      Base::workspace;
  using typename Base::S;

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
              .size = size(),
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
              .setup = keep_y(mask, 5, 4, 6)});
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
              .size = size(),
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
              .setup = keep_y(mask, 6, 5, 7),
              .known = known_if(mask == BatchNormMask::none, known::BatchNormBackward{.rows = rows,
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
              .size = size(),
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
              .size = size(),
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
  void large() const {
    sums("mask from x", BatchNormMask::from_x);
    sums("mask from y", BatchNormMask::from_y);
    backward("plain", BatchNormMask::none);
    backward("mask from x", BatchNormMask::from_x);
    batch("plain", BatchNormMask::none, 0.f);
    batch("mask from x", BatchNormMask::from_x, 0.f);
    running(true, 0.f);
  }
};

const CaseGroup group([] {
  each_batch_norm_size([]<class T>(int64_t rows, int channels, T) { Backward<T>{{rows, channels}}.all(); });
  each_large_batch_norm_size([]<class T>(int64_t rows, int channels, T) { Backward<T>{{rows, channels}}.large(); });
});

}  // namespace
}  // namespace temper
