#pragma once
// The last step of Winograd's algorithm: sums of products are transformed to outputs and written.
#include "kernels/runtime/conv3x3_epilogue.h"
#include "kernels/winograd/tiles.h"

namespace temper::winograd {

using conv3x3::OutputTile;

/// The first `cols` pixels of a row of a tile, and the first `lanes` channels of these, from `at` on.
template <class Transform, class T, class Vec = typename Transform::Vec>
void write_ragged(const ConvProblem& g, const ConvOperands<T>& o, const OutputTile<Vec>& to, int64_t at,
                  const Vec out[Transform::kOut]) {
  alignas(64) float bias[kLanes] = {};
  alignas(64) T added[kLanes] = {}, masked[kLanes] = {}, result[kLanes];
  if (o.bias)
    for (int64_t lane = 0; lane < to.lanes; ++lane) bias[lane] = o.bias[to.channel + lane];
  for (int64_t j = 0; j < Transform::kOut && j < to.cols; ++j, at += g.k) {
    for (int64_t lane = 0; lane < to.lanes; ++lane) {
      if (o.add) added[lane] = o.add[at + lane];
      if (o.mask) masked[lane] = o.mask[at + lane];
    }
    store(result, conv3x3::with_epilogue(out[j] + Vec::load(bias), o.add ? added : nullptr, o.mask ? masked : nullptr,
                                         to.lowest, 0));
    for (int64_t lane = 0; lane < to.lanes; ++lane) o.y[at + lane] = result[lane];
  }
}

/// A part of the rows of a tile's results: so few that everything stays in registers.
template <class Transform, int kPart, class T, class Vec>
void write_part(const ConvProblem& g, const ConvOperands<T>& o, const OutputTile<Vec>& to, const float* m) {
  constexpr int kCount = sizeof(Transform::kOutputParts[kPart]) / sizeof(int);
  Vec columns[kCount][Transform::kProducts];
#pragma GCC unroll 9
  for (int j = 0; j < Transform::kProducts; ++j) {
    Vec in[Transform::kProducts], out[Transform::kOut];
#pragma GCC unroll 9
    for (int i = 0; i < Transform::kProducts; ++i) {
      const float* const sum = m + (i * Transform::kProducts + j) * kLanes;
      in[i] = Vec::load(sum);
      if (kPart == 0) __builtin_prefetch(sum + Transform::kProducts * Transform::kProducts * kLanes);
    }
    Transform::transform_output(in, out);
#pragma GCC unroll 9
    for (int i = 0; i < kCount; ++i) columns[i][j] = out[Transform::kOutputParts[kPart][i]];
  }
  const bool whole = to.lanes >= kLanes;
  const Vec bias = whole && o.bias ? Vec::load(o.bias + to.channel) : Vec::zero();
#pragma GCC unroll 9
  for (int i = 0; i < kCount; ++i) {
    const int row = Transform::kOutputParts[kPart][i];
    if (row >= to.rows) break;
    Vec out[Transform::kOut];
    Transform::transform_output(columns[i], out);
    const int64_t at = to.corner + row * g.q * g.k;
    if (!whole) {
      write_ragged<Transform>(g, o, to, at, out);
      continue;
    }
    conv3x3::write_row<Transform::kOut>(o, to, at, g.k, bias, out);
  }
}

template <class Transform, class T, class Vec, int... parts>
void write_parts(const ConvProblem& g, const ConvOperands<T>& o, const OutputTile<Vec>& to, const float* m,
                 std::integer_sequence<int, parts...>) {
  (write_part<Transform, parts>(g, o, to, m), ...);
}

/// y's part of one tile and one unit of channels, from m (product, 16).
template <class Transform, class T>
void write_tile(const Tiles<Transform>& t, const ConvOperands<T>& o, const TileCoord& tile, int64_t unit,
                const float* m) {
  const ConvProblem& g = t.g;
  const int64_t top = tile.row * Transform::kOut, left = tile.column * Transform::kOut, first = unit * kLanes;
  const OutputTile<typename Transform::Vec> to = {.corner = ((tile.image * g.p + top) * g.q + left) * g.k + first,
                                                  .channel = first,
                                                  .rows = g.p - top,
                                                  .cols = g.q - left,
                                                  .lanes = g.k - first,
                                                  .ahead = t.next(tile, Transform::kOut, g.p, g.q) * g.k,
                                                  .lowest = conv3x3::lowest_result<typename Transform::Vec>(o)};
  write_parts<Transform>(
      g, o, to, m,
      std::make_integer_sequence<int, sizeof(Transform::kOutputParts) / sizeof(Transform::kOutputParts[0])>{});
}

}  // namespace temper::winograd
