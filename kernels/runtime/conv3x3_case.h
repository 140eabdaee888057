#pragma once
// Cases of the kernels of conv3x3.h, and their reference: the convolution by its definition, in double.
#include <cmath>
#include <thread>

#include "kernels/runtime/case.h"
#include "kernels/runtime/conv3x3.h"
#include "kernels/runtime/instruction_set.h"
#include "kernels/runtime/items.h"

namespace TEMPER_API temper {
namespace conv3x3 {

enum class Stride : uint8_t { one, two, half };

/// The row (or column) of x that tap `tap` of a row of y reads; -1 if it falls between two rows.
inline int64_t source(Stride stride, int64_t row, int64_t tap, int64_t pad) {
  if (stride == Stride::one) return row + tap - pad;
  if (stride == Stride::two) return 2 * row + tap - 1;
  return (row + tap) % 2 == 0 ? -1 : (row + tap - 1) / 2;
}

/// Calls f(pixel of y, tap, pixel of x) wherever a tap reads a pixel of the image.
template <class F>
void each_tap(Stride stride, const ConvProblem& g, F f) {
  for (int64_t i = 0; i < g.n * g.p * g.q; ++i)
    for (int tap = 0; tap < 9; ++tap) {
      const int64_t row = source(stride, i / g.q % g.p, tap / 3, g.pad), col = source(stride, i % g.q, tap % 3, g.pad);
      if (row >= 0 && row < g.h && col >= 0 && col < g.w) f(i, tap, (i / (g.p * g.q) * g.h + row) * g.w + col);
    }
}

enum class Epilogue : uint8_t { none, all };

struct ConvCase {
  std::string kernel, op;
  InstructionSet set;
  const ConvAlgorithm& algorithm;
  Stride stride = Stride::one;
  ConvProblem g;
  bool rotated = false;               ///< the filter
  Epilogue epilogue = Epilogue::all;  ///< of the sums: none, or everything that the kernel can do
  bool has_bias = true;               ///< whether the epilogue includes bias and ReLU
  std::string tiling_name = {};       ///< empty: the kernel has no tiling
  Tiling (*tiling)(const ConvCase&, int threads) = nullptr;
  CaseSize size = CaseSize::test;

  std::string x_shape() const { return cat(g.n, "x", g.h, "x", g.w, "x", g.c); }
  Tiling tiled(int threads) const { return tiling ? tiling(*this, threads) : Tiling{}; }
  /// The operations of the direct algorithm.
  double flops() const {
    return 18.0 * static_cast<double>(g.n * g.c * g.k * (stride == Stride::half ? g.h * g.w : g.p * g.q));
  }
};

/// The most threads that a benchmark may use.
inline int most_threads() { return static_cast<int>(std::max(2u, std::thread::hardware_concurrency())); }

/// The maximum of floats(threads) over the numbers of threads with which a case may run.
template <class F>
int64_t floats_for_threads(F floats) {
  int64_t most = 0;
  for (int threads = 1; threads <= most_threads(); ++threads) most = std::max(most, floats(threads));
  return most;
}
inline int checked_threads(Stream stream) {
  const int threads = threads_of(stream.team);
  TEMPER_CHECK(threads <= most_threads(), "cases of convolutions: expected at most ", most_threads(),
               " threads, as many as the machine has, got ", threads);
  return threads;
}

template <class T>
void add_convolution(const ConvCase& c) {
  const ConvProblem& g = c.g;
  const ConvKernel<T>& kernel = c.algorithm.of<T>();
  const DType t = dtype_of<T>();
  const int64_t filters = c.rotated ? g.c : g.k, channels = c.rotated ? g.k : g.c;
  const int64_t n_x = g.n * g.h * g.w * g.c, n_y = g.n * g.p * g.q * g.k;
  const double reach = 1 / std::sqrt(static_cast<double>(g.c));  // of filters: results are about 1
  const int64_t workspace =
      floats_for_threads([&](int threads) { return kernel.workspace_floats(g, c.tiled(threads), threads); });
  const bool all = c.epilogue == Epilogue::all;
  const auto source_of = [=](const CaseArgs& a) {
    return FilterSource{filters, channels, a.get<float>(2), a.get<float>(3), c.rotated};
  };
  add_case({.kernel = c.kernel,
            .axes = {{"op", c.op},
                     {"isa", name(c.set)},
                     {"dtype", t},
                     {"tiling", c.tiling_name},
                     {"epilogue", all ? "epilogue" : ""},
                     {"shape", c.x_shape()},
                     {"k", g.k},
                     {"pad", g.pad}},
            .size = c.size,
            .arrays = {{"y", Role::out, t, n_y},
                       {"x", Role::in, t, n_x},
                       {"w", Role::in, DType::f32, filters * 9 * channels, -reach, reach},
                       {"scale", Role::in, DType::f32, filters, 0.5, 1},
                       {"bias", Role::in, DType::f32, g.k},
                       {"add", Role::in, t, n_y},
                       {"mask", Role::in, t, n_y},
                       {"u", Role::scratch, DType::f32, kernel.filter_floats(g.c, g.k)},
                       {"workspace", Role::scratch, DType::f32, workspace}},
            .run =
                [=, &kernel](Stream s, const CaseArgs& a) {
                  kernel.run(s, c.g, c.tiled(checked_threads(s)),
                             {.x = a.get<T>(1),
                              .u = a.get<float>(7),
                              .bias = all && c.has_bias ? a.get<float>(4) : nullptr,
                              .add = all ? a.get<T>(5) : nullptr,
                              .mask = all ? a.get<T>(6) : nullptr,
                              .relu = all && c.has_bias,
                              .y = a.get<T>(0),
                              .workspace = a.get<float>(8)});
                },
            .reference =
                [=](auto& a) {
                  const ConvProblem& g = c.g;
                  const auto filter = [&](int64_t k, int tap, int64_t ch) {
                    return c.rotated ? a[2][(ch * 9 + 8 - tap) * channels + k] * a[3][ch]
                                     : a[2][(k * 9 + tap) * channels + ch] * a[3][k];
                  };
                  std::vector<double> u(9 * g.k * g.c);  // (tap, k, c)
                  for (int tap = 0; tap < 9; ++tap)
                    for (int64_t k = 0; k < g.k; ++k)
                      for (int64_t ch = 0; ch < g.c; ++ch) u[(tap * g.k + k) * g.c + ch] = filter(k, tap, ch);
                  std::fill(a[0].begin(), a[0].end(), 0);
                  each_tap(c.stride, g, [&](int64_t y, int tap, int64_t x) {
                    for (int64_t k = 0; k < g.k; ++k)
                      for (int64_t ch = 0; ch < g.c; ++ch)
                        a[0][y * g.k + k] += a[1][x * g.c + ch] * u[(tap * g.k + k) * g.c + ch];
                  });
                  for (int64_t i = 0; all && i < n_y; ++i) {
                    double& y = a[0][i];
                    y += a[5][i] + (c.has_bias ? a[4][i % g.k] : 0);
                    if (a[6][i] <= 0 || (c.has_bias && y < 0)) y = 0;
                  }
                },
            .tolerance = sizeof(T) == 2 ? 1.5e-2 : 2e-5,
            .bytes = static_cast<double>((n_x + n_y) * sizeof(T) + kernel.filter_floats(g.c, g.k) * sizeof(float)),
            .flops = c.flops(),
            .setup =
                [=, &kernel](Stream, const CaseArgs& a) {
                  for (int64_t unit = kernel.filter_units(c.g.c, c.g.k); unit-- > 0;)
                    kernel.transform_filter(source_of(a), unit, a.get<float>(7));
                },
            .devices = {Device::cpu}});
}

template <class T>
void add_filter_gradient(const ConvCase& c) {
  const ConvProblem& g = c.g;
  const ConvKernel<T>& kernel = c.algorithm.of<T>();
  const DType t = dtype_of<T>();
  const bool accumulate = c.epilogue == Epilogue::all;
  const double reach = 3 / std::sqrt(static_cast<double>(g.n * g.p * g.q));  // of dy: results are about 1
  const int64_t n_x = g.n * g.h * g.w * g.c, n_y = g.n * g.p * g.q * g.k, n_w = g.k * 9 * g.c;
  const int64_t workspace = floats_for_threads([&](int threads) { return kernel.filter_gradient_floats(g, threads); });
  add_case({.kernel = c.kernel,
            .axes = {{"op", c.op},
                     {"isa", name(c.set)},
                     {"dtype", t},
                     {"epilogue", accumulate ? "accumulate" : ""},
                     {"shape", c.x_shape()},
                     {"k", g.k},
                     {"pad", g.pad}},
            .size = c.size,
            .arrays = {{"dw", accumulate ? Role::inout : Role::out, DType::f32, n_w},
                       {"x", Role::in, t, n_x},
                       {"dy", Role::in, t, n_y, -reach, reach},
                       {"workspace", Role::scratch, DType::f32, workspace}},
            .run =
                [=, &kernel](Stream s, const CaseArgs& a) {
                  checked_threads(s);
                  kernel.filter_gradient(s, c.g,
                                         {.x = a.get<T>(1),
                                          .dy = a.get<T>(2),
                                          .dw = a.get<float>(0),
                                          .accumulate = accumulate,
                                          .workspace = a.get<float>(3)});
                },
            .reference =
                [=](auto& a) {
                  const ConvProblem& g = c.g;
                  if (!accumulate) std::fill(a[0].begin(), a[0].end(), 0);
                  each_tap(c.stride, g, [&](int64_t y, int tap, int64_t x) {
                    for (int64_t k = 0; k < g.k; ++k)
                      for (int64_t ch = 0; ch < g.c; ++ch)
                        a[0][(k * 9 + tap) * g.c + ch] += a[2][y * g.k + k] * a[1][x * g.c + ch];
                  });
                },
            .tolerance = 2e-5 + 3e-9 * static_cast<double>(g.n * g.p * g.q),
            .bytes = static_cast<double>((n_x + n_y) * sizeof(T) + n_w * sizeof(float)),
            .flops = c.flops(),
            .devices = {Device::cpu}});
}

}  // namespace conv3x3
}  // namespace temper
