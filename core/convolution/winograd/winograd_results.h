#pragma once
// A tile's way from the sums of products to memory. Part of the same files as winograd_tiles.h.

#include "core/convolution/winograd/winograd_tiles.h"

/// What kCount pixels `stride` apart go through on their way to memory: `add` is added, they become 0 where `mask` is
/// not above 0, and no less than `lowest`. What lies `ahead` will be needed next.
template <int kCount, class T>
inline __attribute__((always_inline)) void finish(Vec y[kCount], const T* add, const T* mask, Vec lowest,
                                                  int64_t stride, int64_t ahead) {
  if (add)
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      y[j] = y[j] + load(add + j * stride);
      __builtin_prefetch(add + j * stride + ahead);
    }
  if (mask)
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      y[j] = where_above_zero(load(mask + j * stride), y[j]);
      __builtin_prefetch(mask + j * stride + ahead);
    }
#pragma GCC unroll 8
  for (int j = 0; j < kCount; ++j) y[j] = at_least(lowest, y[j]);
}

template <class T>
Vec finished(Vec y, const T* add, const T* mask, Vec lowest, int64_t ahead) {
  Vec one[] = {y};
  finish<1>(one, add, mask, lowest, 0, ahead);
  return one[0];
}

/// Where a tile's results go: `lanes` channels, from `channel` on, of `rows` by `cols` pixels from `corner` on, no less
/// than `lowest`. The next tile's lie `ahead`.
struct Target {
  int64_t corner, channel, rows, cols, lanes, ahead;
  Vec lowest;
};

/// A row of kCount pixels `pixel` apart, or the first `to.cols` of them, whose channels are whole, from `at` on.
template <int kCount, class T>
inline __attribute__((always_inline)) void write_row(const Operands<T>& o, const Target& to, int64_t at, int64_t pixel,
                                                     Vec shift, const Vec row[kCount]) {
  const T *const add = o.add ? o.add + at : nullptr, *const mask = o.mask ? o.mask + at : nullptr;
  T* const y = o.y + at;
  if (to.cols >= kCount) [[likely]] {
    Vec out[kCount];
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) out[j] = row[j] + shift;
    finish<kCount>(out, add, mask, to.lowest, pixel, to.ahead);
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      store(y + j * pixel, out[j]);
      __builtin_prefetch(y + j * pixel + to.ahead, 1);
    }
    return;
  }
#pragma GCC unroll 8
  for (int j = 0; j < kCount; ++j)
    if (j < to.cols)
      store(y + j * pixel, finished(row[j] + shift, add ? add + j * pixel : nullptr, mask ? mask + j * pixel : nullptr,
                                    to.lowest, to.ahead));
}

/// The first `cols` pixels of a row of a tile, and the first `lanes` channels of these, from `at` on.
template <class S, class T>
void scatter_ragged(const Problem& g, const Operands<T>& o, const Target& to, int64_t at, const Vec out[S::kOut]) {
  alignas(64) float bias[kLanes] = {};
  alignas(64) T added[kLanes] = {}, masked[kLanes] = {}, result[kLanes];
  if (o.bias)
    for (int64_t lane = 0; lane < to.lanes; ++lane) bias[lane] = o.bias[to.channel + lane];
  for (int64_t j = 0; j < S::kOut && j < to.cols; ++j, at += g.k) {
    for (int64_t lane = 0; lane < to.lanes; ++lane) {
      if (o.add) added[lane] = o.add[at + lane];
      if (o.mask) masked[lane] = o.mask[at + lane];
    }
    store(result, finished(out[j] + load(bias), o.add ? added : nullptr, o.mask ? masked : nullptr, to.lowest, 0));
    for (int64_t lane = 0; lane < to.lanes; ++lane) o.y[at + lane] = result[lane];
  }
}

/// A part of the rows of a tile's results: so few that everything stays in registers.
template <class S, int kPart, class T>
void scatter_part(const Problem& g, const Operands<T>& o, const Target& to, const float* m) {
  constexpr int kCount = sizeof(S::kOutputParts[kPart]) / sizeof(int);
  Vec half[kCount][S::kProducts];
#pragma GCC unroll 9
  for (int j = 0; j < S::kProducts; ++j) {
    Vec in[S::kProducts], out[S::kOut];
#pragma GCC unroll 9
    for (int i = 0; i < S::kProducts; ++i) {
      const float* const sum = m + (i * S::kProducts + j) * kLanes;
      in[i] = load(sum);
      if (kPart == 0) __builtin_prefetch(sum + S::kProducts * S::kProducts * kLanes);
    }
    S::transform_output(in, out);
#pragma GCC unroll 9
    for (int i = 0; i < kCount; ++i) half[i][j] = out[S::kOutputParts[kPart][i]];
  }
  const bool whole = to.lanes >= kLanes;
  const Vec shift = whole && o.bias ? load(o.bias + to.channel) : zero();
#pragma GCC unroll 9
  for (int i = 0; i < kCount; ++i) {
    const int row = S::kOutputParts[kPart][i];
    if (row >= to.rows) break;
    Vec out[S::kOut];
    S::transform_output(half[i], out);
    const int64_t at = to.corner + row * g.q * g.k;
    if (!whole) {
      scatter_ragged<S>(g, o, to, at, out);
      continue;
    }
    write_row<S::kOut>(o, to, at, g.k, shift, out);
  }
}

template <class S, class T, int... parts>
void scatter_parts(const Problem& g, const Operands<T>& o, const Target& to, const float* m,
                   std::integer_sequence<int, parts...>) {
  (scatter_part<S, parts>(g, o, to, m), ...);
}

/// y's part of one tile and one unit of channels, from m (product, 16).
template <class S, class T>
void scatter_tile(const Tiles<S>& t, const Operands<T>& o, bool relu, const Place& tile, int64_t unit, const float* m) {
  const Problem& g = t.g;
  const int64_t top = tile.row * S::kOut, left = tile.column * S::kOut, first = unit * kLanes;
  const Target to = {.corner = ((tile.image * g.p + top) * g.q + left) * g.k + first,
                     .channel = first,
                     .rows = g.p - top,
                     .cols = g.q - left,
                     .lanes = g.k - first,
                     .ahead = t.next(tile, S::kOut, g.p, g.q) * g.k,
                     .lowest = broadcast(relu ? 0 : -__builtin_inff())};
  scatter_parts<S>(g, o, to, m,
                   std::make_integer_sequence<int, sizeof(S::kOutputParts) / sizeof(S::kOutputParts[0])>{});
}
