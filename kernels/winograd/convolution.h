#pragma once
// A convolution by Winograd's algorithm, for any transform (transforms.h), a block of tiles at a time: tiles of inputs
// are transformed; at each point the block (tiles by input channels) is multiplied by the transformed filter (input by
// output channels); the sums are transformed to outputs. A sum over input channels is one chain of fused multiply-adds
// in the order of channels, in f32, whatever the block, so results depend neither on the tiling nor on the width of
// vectors.
#include "kernels/runtime/team.h"
#include "kernels/winograd/output_tiles.h"

namespace temper::winograd {

// A cache line of padding between rows of the products and between points, so that the data of a tile do not map to the
// same few sets of a cache.
template <class Transform>
int64_t product_stride(int64_t units) {
  return units * Transform::kProducts * Transform::kProducts * kLanes + kLanes;
}

/// The operands of a sum of products, at most four of each.
struct Factors {
  int count;
  const float *v[4], *u[4];
};

/// m (row at `stride`, unit at `unit_stride`, 16) <- the sum of every v (channel / 16, row, 16) by u (channel, unit,
/// 16) for `kCount` rows.
template <class Vec, int kCount, int kWidth>
void multiply(const Factors& factors, int64_t block, int64_t channels, float* m, int64_t stride, int64_t unit_stride) {
  Vec sum[kCount][kWidth];
#pragma GCC unroll 28
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) sum[r][j] = Vec::zero();
  for (int f = 0; f < factors.count; ++f) {
    const float *v = factors.v[f], *u = factors.u[f];
    for (int64_t c = 0; c < channels; c += kLanes, v += block)
#pragma GCC unroll 4
      for (int lane = 0; lane < kLanes; ++lane, u += kWidth * kLanes) {
        Vec filter[kWidth];
#pragma GCC unroll 2
        for (int j = 0; j < kWidth; ++j) filter[j] = Vec::load(u + j * kLanes);
#pragma GCC unroll 28
        for (int r = 0; r < kCount; ++r) {
          const Vec a = Vec::broadcast(v[r * kLanes + lane]);
#pragma GCC unroll 2
          for (int j = 0; j < kWidth; ++j) sum[r][j] = fma(a, filter[j], sum[r][j]);
        }
      }
  }
#pragma GCC unroll 28
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) store(m + r * stride + j * unit_stride, sum[r][j]);
}

using Multiply = void (*)(const Factors&, int64_t, int64_t, float*, int64_t, int64_t);

template <class Vec, int kWidth, int... counts>
Multiply multiply_for(int count, std::integer_sequence<int, counts...>) {
  static constexpr Multiply all[] = {multiply<Vec, counts + 1, kWidth>...};
  return all[count - 1];
}

/// Rows that are multiplied at once by `width` units of filters: as many sums as registers hold.
template <class Vec>
constexpr int rows_at_once(int width) {
  return Vec::kRows * Vec::kUnits / width;
}
template <class Vec, int kWidth>
constexpr std::make_integer_sequence<int, rows_at_once<Vec>(kWidth)> kCounts;

/// Output channels [first, last), counted in passes of FilterLayout, and as `units` units of kLanes from `unit` on.
template <class Vec>
struct ChannelRange {
  int64_t first, last, unit, units;
  ChannelRange(const FilterLayout<Vec>& layout, int64_t index, int64_t ranges)
      : first(layout.passes() * index / ranges),
        last(layout.passes() * (index + 1) / ranges),
        unit(first * Vec::kUnits),
        units((last * Vec::kUnits < layout.units ? last * Vec::kUnits : layout.units) - unit) {}
};

/// Calls run(terms, pass, row, count, m), where m is the place of the sums, for all sums of products, all passes of
/// `range` and `rows` rows, at most rows_at_once() of them at a time.
template <class Transform, class Run, class Vec = typename Transform::Vec>
void each_product(const FilterLayout<Vec>& filters, const ChannelRange<Vec>& range, int64_t rows, float* m, Run run) {
  for (int product = 0; product < Transform::kProducts * Transform::kProducts; ++product)
    for (int64_t pass = range.first; pass < range.last; ++pass) {
      const int64_t groups = ceil_div(rows, rows_at_once<Vec>(filters.width(pass)));
      const int64_t few = rows / groups, more = rows % groups;  // `more` groups have few + 1
      for (int64_t group = 0, r = 0; group < groups; ++group) {
        const int count = static_cast<int>(group < more ? few + 1 : few);
        const int64_t unit = (pass - range.first) * Vec::kUnits;
        run(kProductTerms<Transform>.of[product], pass, r, count,
            m + r * product_stride<Transform>(range.units) +
                (unit * Transform::kProducts * Transform::kProducts + product) * kLanes);
        r += count;
      }
    }
}

/// Transforms and products in f32. An arithmetic says how inputs and filters are held between the steps; the other one
/// is Int16 (int16.h).
template <class F>
struct F32 {
  using Transform = F;
  using Vec = typename F::Vec;
  static FilterLayout<Vec> layout(int64_t inputs, int64_t outputs) { return {inputs, outputs}; }
  static void transform_filter(const FilterSource& f, int64_t unit, float* u) {
    const FilterLayout<Vec> filters = layout(f.inputs(), f.outputs());
    for (int64_t input = 0; input < filters.inputs; ++input) {
      Vec g[9];
      load_taps(f, unit, input, g);
      transform_filter_taps<F>(g, filters, unit, input, u);
    }
  }
  /// v (input value, channel / 16, row, 16).
  static int64_t input_stride(const ConvProblem& g, int64_t rows) { return g.c * rows + kLanes; }
  static int64_t input_floats(const ConvProblem& g, int64_t rows) {
    return F::kInputs * F::kInputs * input_stride(g, rows);
  }

  /// Row `row` of v, which holds `held`, <- the transform of `tile`.
  template <class T>
  static void transform(const Tiles<F>& t, const T* x, const T* zeros, const TileCoord& tile, float* v, int64_t row,
                        int64_t held) {
    transform_tile(InputTile<F, T>(t, x, zeros, tile), 0, t.g.c, v + row * kLanes, input_stride(t.g, held),
                   held * kLanes);
  }
  /// m (row, unit, product, 16) <- `rows` of v's `held` rows, from `first`, times the filters of `range`.
  static void products(const ConvProblem& g, const ChannelRange<Vec>& range, const float* u, const float* v,
                       int64_t first, int64_t rows, int64_t held, float* m) {
    const FilterLayout<Vec> filters = layout(g.c, g.k);
    const int64_t stride = input_stride(g, held);
    constexpr bool kOneEach = F::kTerms == F::kProducts;  // known to the compiler: a few percent of small products
    each_product<F>(
        filters, range, rows, m, [&](const ProductTerms& terms, int64_t pass, int64_t r, int count, float* to) {
          Factors factors = {.count = kOneEach ? 1 : terms.count};
          for (int t = 0; t < factors.count; ++t) {
            factors.v[t] = v + terms.term[t].input * stride + (first + r) * kLanes;
            factors.u[t] = u + filters.start(pass, terms.term[t].filter);
          }
          const Multiply f = filters.width(pass) == Vec::kUnits
                                 ? multiply_for<Vec, Vec::kUnits>(count, kCounts<Vec, Vec::kUnits>)
                                 : multiply_for<Vec, 1>(count, kCounts<Vec, 1>);
          f(factors, held * kLanes, g.c, to, product_stride<F>(range.units), F::kProducts * F::kProducts * kLanes);
        });
  }
};

/// Writes the outputs of `rows` tiles, number `from` and following, and of the channels of `range`.
template <class Transform, class T, class Vec = typename Transform::Vec>
void write_tiles(const Tiles<Transform>& tiles, const ConvOperands<T>& o, int64_t from, int64_t rows,
                 const ChannelRange<Vec>& range, const float* m) {
  tiles.each(from, rows, [&](int64_t r, const TileCoord& tile) {
    for (int64_t j = 0; j < range.units; ++j)
      write_tile(
          tiles, o, tile, range.unit + j,
          m + r * product_stride<Transform>(range.units) + j * Transform::kProducts * Transform::kProducts * kLanes);
  });
}

/// Floats of the workspace: transforms of a block of tiles, their products with a range of the filters, and zeros.
template <class Arithmetic>
struct WorkspaceLayout {
  using Transform = typename Arithmetic::Transform;
  using Vec = typename Arithmetic::Vec;
  int64_t inputs, products, zeros;
  WorkspaceLayout(const ConvProblem& g, const Tiling& tiling)
      : inputs(Arithmetic::input_floats(g, tiling.together ? tiling.together : tiling.block)),
        products(tiling.block * product_stride<Transform>(units_of_range(g, tiling))),
        zeros(zero_floats<Transform>(g)) {}
  static int64_t units_of_range(const ConvProblem& g, const Tiling& tiling) {
    return ceil_div(FilterLayout<Vec>(g.c, g.k).passes(), tiling.ranges) * Vec::kUnits;
  }
};

template <class Arithmetic>
int64_t workspace_floats(const ConvProblem& g, const Tiling& tiling, int threads) {
  const WorkspaceLayout<Arithmetic> s(g, tiling);
  return tiling.together ? s.inputs + threads * (s.products + s.zeros) : threads * (s.inputs + s.products + s.zeros);
}

template <class Vec, class T>
T* zero_fill(float* memory, int64_t count) {
  T* const zeros = reinterpret_cast<T*>(memory);
  for (int64_t i = 0; i < count; ++i) zeros[i] = T{};
  return zeros;
}

template <class Arithmetic, class T>
void run_by_tiles(Team* team, const ConvProblem& g, const Tiling& tiling, const ConvOperands<T>& o) {
  using Vec = typename Arithmetic::Vec;
  using Transform = typename Arithmetic::Transform;
  const Tiles<Transform> tiles(g);
  const ChannelRange<Vec> all(FilterLayout<Vec>(g.c, g.k), 0, 1);
  const WorkspaceLayout<Arithmetic> layout(g, tiling);
  each_item(team, ceil_div(tiles.count, tiling.block), [&](int64_t block, int thread) {
    float* const v = o.workspace + thread * (layout.inputs + layout.products + layout.zeros);
    float* const m = v + layout.inputs;
    const T* const zeros = zero_fill<Vec, T>(m + layout.products, Transform::kIn * g.c);
    const int64_t from = block * tiling.block;
    const int64_t rows = tiles.count - from < tiling.block ? tiles.count - from : tiling.block;
    tiles.each(from, rows,
               [&](int64_t r, const TileCoord& tile) { Arithmetic::transform(tiles, o.x, zeros, tile, v, r, rows); });
    Arithmetic::products(g, all, o.u, v, 0, rows, rows, m);
    write_tiles(tiles, o, from, rows, all, m);
  });
}

/// Tiles that a thread transforms at a time, if all threads transform together.
constexpr int64_t kTransformed = 16;

template <class Arithmetic, class T>
void run_by_channels(Team* team, const ConvProblem& g, const Tiling& tiling, const ConvOperands<T>& o) {
  using Vec = typename Arithmetic::Vec;
  using Transform = typename Arithmetic::Transform;
  const Tiles<Transform> tiles(g);
  const FilterLayout<Vec> filters(g.c, g.k);
  const WorkspaceLayout<Arithmetic> layout(g, tiling);
  float* const v = o.workspace;
  for (int64_t from = 0; from < tiles.count; from += tiling.together) {
    const int64_t held = tiles.count - from < tiling.together ? tiles.count - from : tiling.together;
    const int64_t items = ceil_div(held, tiling.block) * tiling.ranges;
    const auto products_of = [&](int thread) { return v + layout.inputs + thread * (layout.products + layout.zeros); };
    each_item(team, ceil_div(held, kTransformed), [&](int64_t item, int thread) {
      const T* const zeros = zero_fill<Vec, T>(products_of(thread) + layout.products, Transform::kIn * g.c);
      const int64_t first = item * kTransformed, last = first + kTransformed < held ? first + kTransformed : held;
      for (int64_t r = first; r < last; ++r) Arithmetic::transform(tiles, o.x, zeros, tiles.at(from + r), v, r, held);
    });
    each_item(team, items, [&](int64_t item, int thread) {
      float* const m = products_of(thread);
      const ChannelRange<Vec> range(filters, item % tiling.ranges, tiling.ranges);
      const int64_t first = item / tiling.ranges * tiling.block;
      const int64_t rows = held - first < tiling.block ? held - first : tiling.block;
      Arithmetic::products(g, range, o.u, v, first, rows, held, m);
      write_tiles(tiles, o, from + first, rows, range, m);
    });
  }
}

template <class Arithmetic, class T>
void run(Stream stream, const ConvProblem& g, const Tiling& tiling, const ConvOperands<T>& o) {
  tiling.together ? run_by_channels<Arithmetic>(stream.team, g, tiling, o)
                  : run_by_tiles<Arithmetic>(stream.team, g, tiling, o);
}

}  // namespace temper::winograd
