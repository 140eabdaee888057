#pragma once
// The first step of Winograd's algorithm: filters and tiles of inputs are transformed, 16 channels at a time. Templates
// over a vector type or a transform (transforms.h).
#include <utility>

#include "kernels/runtime/ceil_div.h"
#include "kernels/runtime/conv3x3.h"
#include "kernels/winograd/transforms.h"

namespace temper::winograd {

using conv3x3::ConvOperands;
using conv3x3::ConvProblem;
using conv3x3::FilterSource;
using conv3x3::kLanes;
using conv3x3::Tiling;

/// The layout of transformed filters: (pass, point, input channel, lane), where a pass is Vec::kUnits units of kLanes
/// output channels, the last one maybe fewer. A line between points keeps them from falling into one set of a cache.
template <class Vec>
struct FilterLayout {
  int64_t inputs, units;
  FilterLayout(int64_t inputs, int64_t outputs) : inputs(inputs), units(ceil_div(outputs, kLanes)) {}
  int64_t passes() const { return ceil_div(units, Vec::kUnits); }
  int width(int64_t pass) const {
    return static_cast<int>(units - pass * Vec::kUnits < Vec::kUnits ? units - pass * Vec::kUnits : Vec::kUnits);
  }
  int64_t start(int64_t pass, int point) const {
    return pass * kFilterPoints * (Vec::kUnits * inputs + 1) * kLanes + point * (width(pass) * inputs + 1) * kLanes;
  }
  int64_t floats() const { return start(passes(), 0); }
  int64_t at(int64_t unit, int point, int64_t input) const {
    const int64_t pass = unit / Vec::kUnits;
    return start(pass, point) + (input * width(pass) + unit % Vec::kUnits) * kLanes;
  }
};

/// u <- the transform of the 3x3 taps g of 16 output channels and one input channel.
template <class Transform, class Vec = typename Transform::Vec>
void transform_filter_taps(const Vec g[9], const FilterLayout<Vec>& layout, int64_t unit, int64_t input, float* u) {
  Vec columns[kTapValues][3];
  for (int j = 0; j < 3; ++j) {
    const Vec taps[3] = {g[j], g[3 + j], g[6 + j]};
    Vec out[kTapValues];
    Transform::transform_taps(taps, out);
    for (int i = 0; i < kTapValues; ++i) columns[i][j] = out[i];
  }
  for (int i = 0; i < kTapValues; ++i) {
    Vec out[kTapValues];
    Transform::transform_taps(columns[i], out);
    for (int j = 0; j < kTapValues; ++j) store(u + layout.at(unit, i * kTapValues + j, input), out[j]);
  }
}

/// The taps of 16 output channels, `unit`, and of one input channel.
template <class Vec>
void load_taps(const FilterSource& f, int64_t unit, int64_t input, Vec g[9]) {
  const int64_t first = unit * kLanes;
  if (f.rotated && first + kLanes <= f.channels) {  // side by side in w
    const Vec scale = Vec::broadcast(f.scale[input]);
    for (int t = 0; t < 9; ++t) g[8 - t] = Vec::load(f.w + (input * 9 + t) * f.channels + first) * scale;
    return;
  }
  alignas(64) float gathered[9][kLanes] = {};
  for (int t = 0; t < 9; ++t)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const int64_t k = f.rotated ? input : first + lane, c = f.rotated ? first + lane : input;
      if (k < f.filters && c < f.channels)
        gathered[f.rotated ? 8 - t : t][lane] = f.w[(k * 9 + t) * f.channels + c] * f.scale[k];
    }
  for (int t = 0; t < 9; ++t) g[t] = Vec::load(gathered[t]);
}

struct TileCoord {
  int64_t image, row, column;
};

/// Tiles of a problem, numbered column by column, row by row, image by image.
template <class Transform>
struct Tiles {
  ConvProblem g;
  int64_t down, across, count;
  explicit Tiles(const ConvProblem& g)
      : g(g),
        down(ceil_div(g.p, Transform::kOut)),
        across(ceil_div(g.q, Transform::kOut)),
        count(g.n * down * across) {}
  TileCoord at(int64_t tile) const { return {tile / across / down, tile / across % down, tile % across}; }
  /// f(i, coordinates) for tiles number first + i, i < n.
  template <class F>
  void each(int64_t first, int64_t n, F f) const {
    TileCoord coord = at(first);
    for (int64_t i = 0; i < n; ++i) {
      f(i, coord);
      if (++coord.column < across) continue;
      coord.column = 0;
      if (++coord.row < down) continue;
      coord.row = 0;
      ++coord.image;
    }
  }
  /// Pixels from a tile to the next one, where tiles are `step` apart in images of `rows` by `cols`.
  int64_t next(const TileCoord& tile, int64_t step, int64_t rows, int64_t cols) const {
    if (tile.column + 1 < across) return step;
    return (tile.row + 1 < down ? step : rows - (down - 1) * step) * cols - (across - 1) * step;
  }
};

/// The number of zeros that replace the pixels above or below an image: a row of a tile.
template <class Transform>
int64_t zero_floats(const ConvProblem& g) {
  return Transform::kIn * ceil_div(g.c, kLanes) * kLanes;
}

/// The pixels of an input tile. Rows in the padding are read from `zeros`, kIn pixels of zeros; columns in it lie
/// outside of [first, last).
template <class Transform, class T>
struct InputTile {
  const T* rows[Transform::kIn];
  int64_t channels, ahead;
  int first, last;
  InputTile(const Tiles<Transform>& t, const T* x, const T* zeros, const TileCoord& tile)
      : channels(t.g.c), ahead(t.next(tile, Transform::kStep, t.g.h, t.g.w) * t.g.c) {
    const ConvProblem& g = t.g;
    const int64_t top = tile.row * Transform::kStep - g.pad, left = tile.column * Transform::kStep - g.pad;
    for (int i = 0; i < Transform::kIn; ++i) {
      const bool inside = top + i >= 0 && top + i < g.h;
      rows[i] = inside ? x + ((tile.image * g.h + top + i) * g.w + left) * g.c : zeros;
    }
    first = left < 0 ? static_cast<int>(-left) : 0;
    last = g.w - left < Transform::kIn ? static_cast<int>(g.w - left) : Transform::kIn;
  }
};

/// A part of the rows of a tile's transform, channels c to c + 15: so few rows that everything stays in registers.
template <class Transform, int kPart, class T>
void transform_part(const InputTile<Transform, T>& x, int64_t c, float* v, int64_t stride) {
  using Vec = typename Transform::Vec;
  constexpr int kFirst = Transform::kInputParts[kPart], kCount = Transform::kInputParts[kPart + 1] - kFirst;
  Vec columns[kCount][Transform::kIn];  // transformed
#pragma GCC unroll 9
  for (int j = 0; j < Transform::kIn; ++j) {
    Vec d[Transform::kIn], out[Transform::kInputs];
    const bool inside = j >= x.first && j < x.last;
#pragma GCC unroll 9
    for (int i = 0; i < Transform::kIn; ++i) {
      const T* const pixel = x.rows[i] + j * x.channels + c;
      d[i] = inside ? Vec::load(pixel) : Vec::zero();
      if (kPart == 0 && j >= Transform::kIn - Transform::kStep) __builtin_prefetch(pixel + x.ahead);
    }
    Transform::transform_input(d, out);
#pragma GCC unroll 9
    for (int i = 0; i < kCount; ++i) columns[i][j] = out[kFirst + i];
  }
#pragma GCC unroll 9
  for (int i = 0; i < kCount; ++i) {
    Vec out[Transform::kInputs];
    Transform::transform_input(columns[i], out);
#pragma GCC unroll 9
    for (int j = 0; j < Transform::kInputs; ++j) store(v + ((kFirst + i) * Transform::kInputs + j) * stride, out[j]);
  }
}

template <class Transform, class T, int... parts>
void transform_parts(const InputTile<Transform, T>& x, int64_t c, float* v, int64_t stride,
                     std::integer_sequence<int, parts...>) {
  (transform_part<Transform, parts>(x, c, v, stride), ...);
}

/// v (input, channel / 16, ...) <- channels [begin, end) of a tile; `stride` from input to input, `block` from 16
/// channels to the next.
template <class Transform, class T>
void transform_tile(const InputTile<Transform, T>& x, int64_t begin, int64_t end, float* v, int64_t stride,
                    int64_t block) {
  constexpr std::make_integer_sequence<int, sizeof(Transform::kInputParts) / sizeof(int) - 1> parts;
  for (int64_t c = begin; c < end; c += kLanes, v += block) transform_parts(x, c, v, stride, parts);
}

}  // namespace temper::winograd
