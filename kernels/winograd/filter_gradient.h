#pragma once
// The filter gradient by Winograd's algorithm, the transpose of convolution.h: tiles of inputs and of the output
// gradient are transformed, their products summed over all tiles, and the sums transformed to 3x3 taps. How sums are
// divided depends on the extents alone, so the bits depend neither on the number of threads nor on the width of
// vectors.
#include "kernels/winograd/convolution.h"

namespace temper::winograd {

using conv3x3::FilterGradientOperands;

/// What is summed for one value of the transformed filter: input values times values of the output gradient, by their
/// places.
struct GradientTerm {
  int input, product;
};
struct GradientTerms {
  int count = 0;
  GradientTerm term[16] = {};
};
template <class Transform>
struct AllGradientTerms {
  GradientTerms of[kFilterPoints] = {};
  constexpr AllGradientTerms() {
    for (int i = 0; i < Transform::kTerms; ++i)
      for (int j = 0; j < Transform::kTerms; ++j) {
        GradientTerms& terms = of[Transform::filter(i) * kTapValues + Transform::filter(j)];
        terms.term[terms.count++] = {Transform::input(i) * Transform::kInputs + Transform::input(j),
                                     Transform::product(i) * Transform::kProducts + Transform::product(j)};
      }
  }
};
template <class Transform>
constexpr AllGradientTerms<Transform> kGradientTerms;

/// How the work is divided. Sums that fit into a core's cache are divided into chunks of tiles, each of which one
/// thread transforms and sums, a block at a time; the chunks' sums are added up at the end. For larger ones all threads
/// transform a block, then each takes some of the points, for `part` filters at a time, whose sums stay in the last
/// cache.
template <class Transform>
struct GradientTiling {
  static constexpr int kInputs = Transform::kInputs * Transform::kInputs,
                       kProducts = Transform::kProducts * Transform::kProducts;
  int64_t tiles, chunks = 1, block, part, x_stride, dy_stride, sum_stride;
  explicit GradientTiling(const ConvProblem& g) : tiles(Tiles<Transform>(g).count) {
    constexpr int64_t kInCache = int64_t{192} << 10, kTogether = int64_t{2} << 20, kFew = 32, kMostChunks = 16,
                      kHeld = int64_t{256} << 10;
    const int64_t sums = kFilterPoints * g.c * g.k, tile = kInputs * g.c + kProducts * g.k;
    part = g.k;
    if (sums + kFew * tile <= kInCache) {
      block = kFew;
      chunks = ceil_div(tiles, block) < kMostChunks ? ceil_div(tiles, block) : kMostChunks;
    } else {
      part = ceil_div(ceil_div(g.k, ceil_div(sums, kTogether)), kLanes) * kLanes;
      // Sums that a core's cache holds may be read more often, for transforms that it holds, too.
      const int64_t most = (sums <= kHeld ? kTogether / 4 : kTogether) / (kInputs * g.c + kProducts * part);
      block = tiles < most ? tiles : most < kFew ? kFew : most;
    }
    x_stride = block * g.c + kLanes;
    dy_stride = block * part + kLanes;
    sum_stride = part * g.c + kLanes;
  }
  bool by_chunks() const { return chunks > 1; }
  int64_t chunk(int64_t i) const { return tiles * i / chunks; }
  int64_t sums() const { return kFilterPoints * sum_stride; }
  int64_t transforms() const { return kInputs * x_stride + kProducts * dy_stride; }
};

template <class Transform>
int64_t filter_gradient_floats(const ConvProblem& g, int threads) {
  const GradientTiling<Transform> tiling(g);
  return tiling.chunks * tiling.sums() + (tiling.by_chunks() ? threads : 1) * tiling.transforms() +
         zero_floats<Transform>(g);
}

/// e (product, ...) <- the transform of 16 channels of the output gradient's tile `tile`.
template <class Transform, class T>
void transform_output_gradient(const Tiles<Transform>& t, const T* dy, const TileCoord& tile, int64_t channel, float* e,
                               int64_t stride) {
  using Vec = typename Transform::Vec;
  const int64_t top = tile.row * Transform::kOut, left = tile.column * Transform::kOut;
  Vec columns[Transform::kProducts][Transform::kOut];  // transformed
#pragma GCC unroll 4
  for (int j = 0; j < Transform::kOut; ++j) {
    Vec d[Transform::kOut], out[Transform::kProducts];
#pragma GCC unroll 4
    for (int i = 0; i < Transform::kOut; ++i) {
      const T* from = dy + ((tile.image * t.g.p + top + i) * t.g.q + left + j) * t.g.k + channel;
      d[i] = top + i < t.g.p && left + j < t.g.q ? Vec::load(from) : Vec::zero();
      __builtin_prefetch(from + Transform::kOut * t.g.k);
    }
    Transform::transform_gradient(d, out);
    for (int i = 0; i < Transform::kProducts; ++i) columns[i][j] = out[i];
  }
  for (int i = 0; i < Transform::kProducts; ++i) {
    Vec out[Transform::kProducts];
    Transform::transform_gradient(columns[i], out);
    for (int j = 0; j < Transform::kProducts; ++j) store(e + (i * Transform::kProducts + j) * stride, out[j]);
  }
}

/// sums (kCount filters, `channels`) [+]= dy (tile, 16)^T by x (unit at `unit`, tile, 16), kWidth units of channels.
template <class Vec, int kCount, int kWidth>
void add_products(int64_t tiles, const float* dy, const float* x, int64_t unit, int64_t channels, bool first,
                  float* sums) {
  Vec sum[kCount][kWidth];
#pragma GCC unroll 16
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) sum[r][j] = first ? Vec::zero() : Vec::load(sums + r * channels + j * kLanes);
  for (int64_t t = 0; t < tiles; ++t, dy += kLanes, x += kLanes) {
    Vec row[kWidth];
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) row[j] = Vec::load(x + j * unit);
#pragma GCC unroll 16
    for (int r = 0; r < kCount; ++r) {
      const Vec a = Vec::broadcast(dy[r]);
#pragma GCC unroll 2
      for (int j = 0; j < kWidth; ++j) sum[r][j] = fma(a, row[j], sum[r][j]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) store(sums + r * channels + j * kLanes, sum[r][j]);
}

/// Some filters at one point: sums (filter, channel) [+]= dy (tile, 16 filters)^T by x (unit of channels, tile, 16).
template <class Vec>
void add_filters(int64_t tiles, const float* dy, const float* x, int64_t channels, bool first, float* sums) {
  constexpr int kPair = Vec::kUnits == 1 ? 4 : 8,
                kSingle = Vec::kUnits == 1 ? 4 : 16;  // filters: as many as registers allow
  const int64_t unit = tiles * kLanes;
  int64_t c = 0;
  for (; c + Vec::kUnits * kLanes <= channels; c += Vec::kUnits * kLanes)
    for (int r = 0; r < kLanes; r += kPair)
      add_products<Vec, kPair, Vec::kUnits>(tiles, dy + r, x + c * tiles, unit, channels, first,
                                            sums + r * channels + c);
  if (c < channels)
    for (int r = 0; r < kLanes; r += kSingle)
      add_products<Vec, kSingle, 1>(tiles, dy + r, x + c * tiles, unit, channels, first, sums + r * channels + c);
}

/// dw (filter, 3, 3, 16 of the channels) [+]= the taps of the sums (point, ...) of all chunks.
template <class Transform>
void write_taps(const GradientTiling<Transform>& tiling, const ConvProblem& g, const float* sums, bool accumulate,
                float* dw) {
  using Vec = typename Transform::Vec;
  Vec columns[3][kTapValues];  // transformed
  for (int j = 0; j < kTapValues; ++j) {
    Vec p[kTapValues], out[3];
    for (int i = 0; i < kTapValues; ++i) {
      const float* from = sums + (i * kTapValues + j) * tiling.sum_stride;
      p[i] = Vec::load(from);
      for (int64_t chunk = 1; chunk < tiling.chunks; ++chunk) p[i] = p[i] + Vec::load(from += tiling.sums());
    }
    Transform::transform_sums(p, out);
    for (int i = 0; i < 3; ++i) columns[i][j] = out[i];
  }
  for (int i = 0; i < 3; ++i) {
    Vec out[3];
    Transform::transform_sums(columns[i], out);
    for (int j = 0; j < 3; ++j) {
      float* to = dw + (i * 3 + j) * g.c;
      store(to, accumulate ? Vec::load(to) + out[j] : out[j]);
    }
  }
}

/// The steps of one filter gradient.
template <class Transform, class T>
struct FilterGradientSteps {
  using Vec = typename Transform::Vec;
  Team* const team;
  const ConvProblem& g;
  const FilterGradientOperands<T>& o;
  const Tiles<Transform> tiles{g};
  const GradientTiling<Transform> tiling{g};
  const T* zeros = nullptr;

  /// A tile's transform becomes number t of `count` in x, or its gradient's for filters [k, k + filters) in dy.
  void transform(const TileCoord& tile, int64_t t, int64_t count, float* x) const {
    transform_tile(InputTile<Transform, T>(tiles, o.x, zeros, tile), 0, g.c, x + t * kLanes, tiling.x_stride,
                   count * kLanes);
  }
  void transform_gradient_of(const TileCoord& tile, int64_t t, int64_t count, int64_t k, int64_t filters,
                             float* dy) const {
    for (int64_t f = 0; f < filters; f += kLanes)
      transform_output_gradient(tiles, o.dy, tile, k + f, dy + f * count + t * kLanes, tiling.dy_stride);
  }
  /// The sums of 16 filters from f on [+]= `count` products.
  void add(int point, int64_t f, int64_t count, const float* x, const float* dy, bool first, float* sums) const {
    const GradientTerms& terms = kGradientTerms<Transform>.of[point];
    for (int i = 0; i < terms.count; ++i)
      add_filters<Vec>(count, dy + terms.term[i].product * tiling.dy_stride + f * count,
                       x + terms.term[i].input * tiling.x_stride, g.c, first && i == 0,
                       sums + point * tiling.sum_stride + f * g.c);
  }

  /// dw of filters [k, k + filters) [+]= the taps of all chunks' sums.
  void write(int64_t k, int64_t filters, const float* sums) const {
    each_item(team, filters, [&](int64_t f, int) {
      for (int64_t c = 0; c < g.c; c += kLanes)
        write_taps(tiling, g, sums + f * g.c + c, o.accumulate, o.dw + (k + f) * 9 * g.c + c);
    });
  }

  void by_chunks(float* sums, float* transforms) const {
    each_item(team, tiling.chunks, [&](int64_t chunk, int thread) {
      float* const x = transforms + thread * tiling.transforms();
      float* const dy = x + tiling.kInputs * tiling.x_stride;
      const int64_t end = tiling.chunk(chunk + 1);
      for (int64_t from = tiling.chunk(chunk); from < end; from += tiling.block) {
        const int64_t count = end - from < tiling.block ? end - from : tiling.block;
        tiles.each(from, count, [&](int64_t t, const TileCoord& tile) {
          transform(tile, t, count, x);
          transform_gradient_of(tile, t, count, 0, g.k, dy);
        });
        for (int point = 0; point < kFilterPoints; ++point)
          for (int64_t f = 0; f < g.k; f += kLanes)
            add(point, f, count, x, dy, from == tiling.chunk(chunk), sums + chunk * tiling.sums());
      }
    });
    write(0, g.k, sums);
  }
  void by_points(float* sums, float* x) const {
    float* const dy = x + tiling.kInputs * tiling.x_stride;
    for (int64_t k = 0; k < g.k; k += tiling.part) {
      const int64_t filters = g.k - k < tiling.part ? g.k - k : tiling.part;
      for (int64_t from = 0; from < tiling.tiles; from += tiling.block) {
        const int64_t count = tiling.tiles - from < tiling.block ? tiling.tiles - from : tiling.block;
        each_item(team, ceil_div(count, kTransformed), [&](int64_t item, int) {
          const int64_t first = item * kTransformed, last = first + kTransformed < count ? first + kTransformed : count;
          for (int64_t t = first; t < last; ++t) {
            const TileCoord tile = tiles.at(from + t);
            if (k == 0 || count < tiling.tiles) transform(tile, t, count, x);
            transform_gradient_of(tile, t, count, k, filters, dy);
          }
        });
        const int64_t units = filters / kLanes;
        each_item(team, kFilterPoints * units, [&](int64_t item, int) {
          add(static_cast<int>(item / units), item % units * kLanes, count, x, dy, from == 0, sums);
        });
      }
      write(k, filters, sums);
    }
  }
};

template <class Transform, class T>
void filter_gradient(Stream stream, const ConvProblem& g, const FilterGradientOperands<T>& o) {
  FilterGradientSteps<Transform, T> steps{stream.team, g, o};
  float* const sums = o.workspace + zero_floats<Transform>(g);
  float* const transforms = sums + steps.tiling.chunks * steps.tiling.sums();
  steps.zeros = zero_fill<typename Transform::Vec, T>(o.workspace, Transform::kIn * g.c);
  steps.tiling.by_chunks() ? steps.by_chunks(sums, transforms) : steps.by_points(sums, transforms);
}

}  // namespace temper::winograd
