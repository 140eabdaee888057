#pragma once
// The first layer and its data gradient, directly: a patch of results stays in registers while the taps of a channel go
// over it. Templates over a vector type (instruction_set.h).
#include <utility>

#include "kernels/first_layer/first_layer.h"
#include "kernels/first_layer/held_rows.h"
#include "kernels/runtime/conv3x3_epilogue.h"

namespace temper::first_layer {

using conv3x3::ConvAlgorithm;
using conv3x3::ConvKernel;
using conv3x3::FilterSource;
using conv3x3::OutputTile;
using conv3x3::Tiling;

/// sum += the correlation of 3x3 taps with the pixels at(row, column).
template <class Vec, int kCols, class At>
void correlate(const Vec taps[9], Vec sum[Patch<Vec>::kRows][kCols], At at) {
#pragma GCC unroll 4
  for (int i = 0; i < Patch<Vec>::kRows + 2; ++i)
#pragma GCC unroll 10
    for (int j = 0; j < kCols + 2; ++j) {
      const Vec x = at(i, j);
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r)
#pragma GCC unroll 3
        for (int s = 0; s < 3; ++s)
          if (i - r >= 0 && i - r < Patch<Vec>::kRows && j - s >= 0 && j - s < kCols)
            sum[i - r][j - s] = fma(x, taps[3 * r + s], sum[i - r][j - s]);
    }
}

template <class Vec, int kCols>
void clear_sums(Vec sum[Patch<Vec>::kRows][kCols]) {
#pragma GCC unroll 4
  for (int i = 0; i < Patch<Vec>::kRows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < kCols; ++j) sum[i][j] = Vec::zero();
}

template <class Vec>
void load_taps(const float* u, Vec taps[9]) {
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) taps[t] = Vec::load(u + t * kLanes);
}

/// u (filter / 16, channel, tap, 16) <- the filter, for both directions; rotated, its taps are rotated by 180
/// degrees.
template <class Vec>
void transform_filter(const FilterSource& f, int64_t, float* u) {
  for (int64_t k = 0; k < f.filters; ++k)
    for (int64_t c = 0; c < f.channels; ++c)
      for (int64_t t = 0; t < 9; ++t)
        u[((k / kLanes * f.channels + c) * 9 + (f.rotated ? 8 - t : t)) * kLanes + k % kLanes] =
            f.w[(k * 9 + t) * f.channels + c] * f.scale[k];
}

/// A patch of 16 of y's channels, kCols wide; x holds the rows about it.
template <class Vec, int kChannels, int kCols, class T>
void forward_patch(const ConvProblem& g, const float* const x[Patch<Vec>::kRows + 2], int64_t col, const float* u,
                   const ConvOperands<T>& o, const OutputTile<Vec>& to) {
  Vec sum[Patch<Vec>::kRows][kCols];
  clear_sums<Vec, kCols>(sum);
#pragma GCC unroll 1
  for (int c = 0; c < kChannels; ++c) {
    Vec taps[9];
    load_taps(u + c * 9 * kLanes, taps);
    correlate<Vec, kCols>(taps, sum, [&](int i, int j) { return Vec::broadcast(x[i][(col + j) * kChannels + c]); });
  }
  const Vec bias = o.bias ? Vec::load(o.bias + to.channel) : Vec::zero();
#pragma GCC unroll 4
  for (int i = 0; i < Patch<Vec>::kRows; ++i)
    if (i < to.rows) [[likely]]
      conv3x3::write_row<kCols>(o, to, to.corner + i * g.w * g.k, g.k, bias, sum[i]);
}

template <class Vec>
struct Forward {
  template <class T>
  static void run(Stream stream, const ConvProblem& g, const Tiling&, const ConvOperands<T>& o) {
    constexpr int kPatchCols = Patch<Vec>::kCols;
    const Vec lowest = conv3x3::lowest_result<Vec>(o);
    const auto patches = [&](auto cols) {
      constexpr int kCols = decltype(cols)::value;
      return g.c == 1   ? forward_patch<Vec, 1, kCols, T>
             : g.c == 2 ? forward_patch<Vec, 2, kCols, T>
                        : forward_patch<Vec, 3, kCols, T>;
    };
    const auto whole = patches(std::integral_constant<int, kPatchCols>{});
    const auto half = patches(std::integral_constant<int, kPatchCols / 2>{});
    each_row<Vec>(stream.team, g, o,
                  [&](int64_t image, int64_t row, const float* const x[HeldRows<Vec>::kHeld], int64_t last) {
                    for (int64_t col = 0; col < g.w; col += kPatchCols) {
                      const int64_t corner = ((image * g.h + row) * g.w + col) * g.k;
                      const auto patch = g.w - col > kPatchCols / 2 ? whole : half;
                      for (int64_t k = 0; k < g.k; k += kLanes)
                        patch(g, x, col, o.u + k * 9 * g.c, o,
                              {.corner = corner + k,
                               .channel = k,
                               .rows = last - row,
                               .cols = g.w - col,
                               .lanes = kLanes,
                               .ahead = kPatchCols * g.k,
                               .lowest = lowest});
                    }
                  });
  }
};

/// y[0, count) <- (mask > 0) * (line + add), in T; `line` has whole vectors.
template <class Vec, class T>
void write_line(const ConvOperands<T>& o, int64_t to, int64_t count, float* line) {
  if (o.add)
    for (int64_t j = 0; j < count; ++j) line[j] += static_cast<float>(o.add[to + j]);
  if (o.mask)
    for (int64_t j = 0; j < count; ++j) line[j] = static_cast<float>(o.mask[to + j]) > 0 ? line[j] : 0;
  if constexpr (sizeof(T) == sizeof(float)) {
    for (int64_t j = 0; j < count; ++j) o.y[to + j] = line[j];
  } else {
    alignas(64) T rounded[kLanes];
    for (int64_t j = 0; j < count; ++j) {
      if (j % kLanes == 0) store(rounded, Vec::load(line + j));
      o.y[to + j] = rounded[j % kLanes];
    }
  }
}

/// Columns [col, col + 16 / Patch::kRows) of rows [row, last) of dx, a patch's rows of them at most; dy holds the rows
/// about it.
template <class Vec, int kChannels, class T>
void gradient_columns(const ConvProblem& g, const ConvOperands<T>& o, const float* const dy[Patch<Vec>::kRows + 2],
                      int64_t image, int64_t row, int64_t last, int64_t col) {
  constexpr int kPatchRows = Patch<Vec>::kRows, kPatchCols = Patch<Vec>::kCols, kCols = kLanes / kPatchRows;
  const int64_t plane = HeldRows<Vec>(g).plane;
  alignas(64) float lanes[kChannels][kLanes];
#pragma GCC unroll 1
  for (int c = 0; c < kChannels; ++c) {
    Vec sums[kLanes];
#pragma GCC unroll 4
    for (int part = 0; part < kCols; part += kPatchCols) {
      Vec sum[kPatchRows][kPatchCols];
      clear_sums<Vec, kPatchCols>(sum);
      int64_t at = (col + part) * kLanes;
#pragma GCC unroll 1
      for (int64_t k = 0; k < g.c; k += kLanes, at += plane) {
        Vec taps[9];
        load_taps(o.u + (k * kChannels + c * kLanes) * 9, taps);
        correlate<Vec, kPatchCols>(taps, sum, [&](int i, int j) { return Vec::load(dy[i] + at + j * kLanes); });
      }
#pragma GCC unroll 4
      for (int i = 0; i < kPatchRows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < kPatchCols; ++j) sums[i * kCols + part + j] = sum[i][j];
    }
    store(lanes[c], Vec::sums_of_lanes(sums));
  }
  const int64_t rows = last - row < kPatchRows ? last - row : kPatchRows, cols = g.w - col < kCols ? g.w - col : kCols;
  for (int64_t i = 0; i < rows; ++i) {
    alignas(64) float line[(kCols * kChannels + kLanes - 1) / kLanes * kLanes] = {};
#pragma GCC unroll 16
    for (int j = 0; j < kCols; ++j)
#pragma GCC unroll 3
      for (int c = 0; c < kChannels; ++c) line[j * kChannels + c] = lanes[c][i * kCols + j];
    write_line<Vec>(o, ((image * g.h + row + i) * g.w + col) * kChannels, cols * kChannels, line);
  }
}

/// g is the problem of the data gradient; of the epilogue only `add` and `mask` are applied.
template <class Vec>
struct DataGradient {
  template <class T>
  static void run(Stream stream, const ConvProblem& g, const Tiling&, const ConvOperands<T>& o) {
    const auto columns = g.k == 1   ? gradient_columns<Vec, 1, T>
                         : g.k == 2 ? gradient_columns<Vec, 2, T>
                                    : gradient_columns<Vec, 3, T>;
    each_row<Vec>(stream.team, g, o,
                  [&](int64_t image, int64_t row, const float* const dy[HeldRows<Vec>::kHeld], int64_t last) {
                    for (int64_t col = 0; col < g.w; col += kLanes / Patch<Vec>::kRows)
                      columns(g, o, dy, image, row, last, col);
                  });
  }
};

template <class Vec, class Direction, class T>
constexpr ConvKernel<T> kernel() {
  return {.filter_floats = [](int64_t inputs, int64_t outputs) { return 9 * inputs * outputs; },
          .filter_units = [](int64_t, int64_t) { return int64_t{1}; },
          .transform_filter = transform_filter<Vec>,
          .workspace_floats = [](const ConvProblem& g, const Tiling&,
                                 int threads) { return threads * HeldRows<Vec>(g).floats(); },
          .run = Direction::template run<T>};
}

template <class Vec, class Direction>
constexpr ConvAlgorithm algorithm() {
  return {.tile = 1, .f32 = kernel<Vec, Direction, float>(), .bf16 = kernel<Vec, Direction, bfloat16>()};
}

template <class Vec>
constexpr Kernels kernel_table() {
  return {.forward = algorithm<Vec, Forward<Vec>>(), .data_gradient = algorithm<Vec, DataGradient<Vec>>()};
}

}  // namespace temper::first_layer
