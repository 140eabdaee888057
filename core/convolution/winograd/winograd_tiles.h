#pragma once
// What goes into the products of Winograd's algorithm by any scheme S of winograd_schemes.h: filters and tiles of
// inputs, 16 channels at a time. Part of the same files.

#include "core/convolution/winograd/winograd_schemes.h"

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// f(item, thread) for every item in [0, count), by the threads of a team.
template <class F>
void each_item(Team* team, int64_t count, const F& f) {
  run_items(team,
            {count, [](const void* body, int64_t i, int thread) { (*static_cast<const F*>(body))(i, thread); }, &f});
}

/// The layout of transformed filters: (pass, point, input channel, lane), where a pass is kUnits units of kLanes output
/// channels, the last one maybe fewer. A line between points keeps them from falling into one set of a cache.
struct FilterLayout {
  int64_t inputs, units;
  FilterLayout(int64_t inputs, int64_t outputs) : inputs(inputs), units(ceil_div(outputs, kLanes)) {}
  int64_t passes() const { return ceil_div(units, kUnits); }
  int width(int64_t pass) const {
    return static_cast<int>(units - pass * kUnits < kUnits ? units - pass * kUnits : kUnits);
  }
  int64_t start(int64_t pass, int point) const {
    return pass * kFilterPoints * (kUnits * inputs + 1) * kLanes + point * (width(pass) * inputs + 1) * kLanes;
  }
  int64_t floats() const { return start(passes(), 0); }
  int64_t at(int64_t unit, int point, int64_t input) const {
    const int64_t pass = unit / kUnits;
    return start(pass, point) + (input * width(pass) + unit % kUnits) * kLanes;
  }
};

template <class S>
void transform_nine(const Vec g[9], const FilterLayout& layout, int64_t unit, int64_t input, float* u) {
  Vec columns[kTaps][3];
  for (int j = 0; j < 3; ++j) {
    const Vec taps[3] = {g[j], g[3 + j], g[6 + j]};
    Vec out[kTaps];
    S::transform_taps(taps, out);
    for (int i = 0; i < kTaps; ++i) columns[i][j] = out[i];
  }
  for (int i = 0; i < kTaps; ++i) {
    Vec out[kTaps];
    S::transform_taps(columns[i], out);
    for (int j = 0; j < kTaps; ++j) store(u + layout.at(unit, i * kTaps + j, input), out[j]);
  }
}

/// The taps of 16 output channels, `unit`, and of one input channel.
inline void load_taps(const FilterSource& f, int64_t unit, int64_t input, Vec g[9]) {
  const int64_t first = unit * kLanes;
  if (f.turned && first + kLanes <= f.channels) {  // side by side in w
    const Vec scale = broadcast(f.scale[input]);
    for (int t = 0; t < 9; ++t) g[8 - t] = load(f.w + (input * 9 + t) * f.channels + first) * scale;
    return;
  }
  alignas(64) float gathered[9][kLanes] = {};
  for (int t = 0; t < 9; ++t)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const int64_t k = f.turned ? input : first + lane, c = f.turned ? first + lane : input;
      if (k < f.filters && c < f.channels)
        gathered[f.turned ? 8 - t : t][lane] = f.w[(k * 9 + t) * f.channels + c] * f.scale[k];
    }
  for (int t = 0; t < 9; ++t) g[t] = load(gathered[t]);
}

/// Where a tile is.
struct Place {
  int64_t image, row, column;
};

/// Tiles of a problem, numbered column by column, row by row, image by image.
template <class S>
struct Tiles {
  Problem g;
  int64_t down, across, count;
  explicit Tiles(const Problem& g)
      : g(g), down(ceil_div(g.p, S::kOut)), across(ceil_div(g.q, S::kOut)), count(g.n * down * across) {}
  Place place(int64_t tile) const { return {tile / across / down, tile / across % down, tile % across}; }
  /// f(i, place) for tiles number first + i, i < n.
  template <class F>
  void each(int64_t first, int64_t n, F f) const {
    Place at = place(first);
    for (int64_t i = 0; i < n; ++i) {
      f(i, at);
      if (++at.column < across) continue;
      at.column = 0;
      if (++at.row < down) continue;
      at.row = 0;
      ++at.image;
    }
  }
  /// Pixels from a tile to the next one, where tiles are `step` apart in images of `rows` by `cols`.
  int64_t next(const Place& at, int64_t step, int64_t rows, int64_t cols) const {
    if (at.column + 1 < across) return step;
    return (at.row + 1 < down ? step : rows - (down - 1) * step) * cols - (across - 1) * step;
  }
};

/// Floats of the zeros that stand for the pixels above or below an image: a row of a tile.
template <class S>
int64_t zero_floats(const Problem& g) {
  return S::kIn * ceil_div(g.c, kLanes) * kLanes;
}

/// The pixels of an input tile. Rows in the padding are read from `zeros`, kIn pixels of zeros; columns in it lie
/// outside of [first, last).
template <class S, class T>
struct TilePixels {
  const T* rows[S::kIn];
  int64_t channels, ahead;
  int first, last;
  TilePixels(const Tiles<S>& t, const T* x, const T* zeros, const Place& tile)
      : channels(t.g.c), ahead(t.next(tile, S::kStep, t.g.h, t.g.w) * t.g.c) {
    const Problem& g = t.g;
    const int64_t top = tile.row * S::kStep - g.pad, left = tile.column * S::kStep - g.pad;
    for (int i = 0; i < S::kIn; ++i) {
      const bool inside = top + i >= 0 && top + i < g.h;
      rows[i] = inside ? x + ((tile.image * g.h + top + i) * g.w + left) * g.c : zeros;
    }
    first = left < 0 ? static_cast<int>(-left) : 0;
    last = g.w - left < S::kIn ? static_cast<int>(g.w - left) : S::kIn;
  }
};

/// A part of the rows of a tile's transform, channels c to c + 15: so few rows that everything stays in registers.
template <class S, int kPart, class T>
void transform_part(const TilePixels<S, T>& x, int64_t c, float* v, int64_t stride) {
  constexpr int kFirst = S::kInputParts[kPart], kCount = S::kInputParts[kPart + 1] - kFirst;
  Vec half[kCount][S::kIn];
#pragma GCC unroll 9
  for (int j = 0; j < S::kIn; ++j) {
    Vec d[S::kIn], out[S::kInputs];
    const bool inside = j >= x.first && j < x.last;
#pragma GCC unroll 9
    for (int i = 0; i < S::kIn; ++i) {
      const T* const pixel = x.rows[i] + j * x.channels + c;
      d[i] = inside ? load(pixel) : zero();
      if (kPart == 0 && j >= S::kIn - S::kStep) __builtin_prefetch(pixel + x.ahead);
    }
    S::transform_input(d, out);
#pragma GCC unroll 9
    for (int i = 0; i < kCount; ++i) half[i][j] = out[kFirst + i];
  }
#pragma GCC unroll 9
  for (int i = 0; i < kCount; ++i) {
    Vec out[S::kInputs];
    S::transform_input(half[i], out);
#pragma GCC unroll 9
    for (int j = 0; j < S::kInputs; ++j) store(v + ((kFirst + i) * S::kInputs + j) * stride, out[j]);
  }
}

template <class S, class T, int... parts>
void transform_parts(const TilePixels<S, T>& x, int64_t c, float* v, int64_t stride,
                     std::integer_sequence<int, parts...>) {
  (transform_part<S, parts>(x, c, v, stride), ...);
}

/// v (input, channel / 16, ...) <- channels [begin, end) of a tile; `stride` from input to input, `block` from 16
/// channels to the next.
template <class S, class T>
void transform_tile(const TilePixels<S, T>& x, int64_t begin, int64_t end, float* v, int64_t stride, int64_t block) {
  constexpr std::make_integer_sequence<int, sizeof(S::kInputParts) / sizeof(int) - 1> parts;
  for (int64_t c = begin; c < end; c += kLanes, v += block) transform_parts(x, c, v, stride, parts);
}
