// Winograd's algorithm by any scheme S of winograd_schemes.h: tiles are transformed, multiplied by filters, and
// transformed back, a block of them at a time.

#include "core/convolution/winograd/winograd_results.h"
#include "core/convolution/winograd/winograd_tiles.h"

// One more line between rows of the products, and between points, so that what a tile needs does not fall into the same
// few sets of a cache.
template <class S>
int64_t product_stride(int64_t units) {
  return units * S::kProducts * S::kProducts * kLanes + kLanes;
}

/// The operands of a sum of products, at most four of each.
struct Factors {
  int count;
  const float *v[4], *u[4];
};

/// m (row at `stride`, unit at `unit_stride`, 16) <- the sum of every v (channel / 16, row, 16) by u (channel, unit,
/// 16) for `kCount` rows.
template <int kCount, int kWidth>
void multiply(const Factors& factors, int64_t block, int64_t channels, float* m, int64_t stride, int64_t unit_stride) {
  Vec sum[kCount][kWidth];
#pragma GCC unroll 28
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) sum[r][j] = zero();
  for (int f = 0; f < factors.count; ++f) {
    const float *v = factors.v[f], *u = factors.u[f];
    for (int64_t c = 0; c < channels; c += kLanes, v += block)
#pragma GCC unroll 4
      for (int lane = 0; lane < kLanes; ++lane, u += kWidth * kLanes) {
        Vec filter[kWidth];
#pragma GCC unroll 2
        for (int j = 0; j < kWidth; ++j) filter[j] = load(u + j * kLanes);
#pragma GCC unroll 28
        for (int r = 0; r < kCount; ++r) {
          const Vec a = broadcast(v[r * kLanes + lane]);
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

template <int kWidth, int... counts>
Multiply multiply_for(int count, std::integer_sequence<int, counts...>) {
  static constexpr Multiply all[] = {multiply<counts + 1, kWidth>...};
  return all[count - 1];
}

/// Rows that are multiplied at once by `width` units of filters: as many sums as registers hold.
constexpr int rows_at_once(int width) { return kRows * kUnits / width; }
template <int kWidth>
constexpr std::make_integer_sequence<int, rows_at_once(kWidth)> kCounts;

/// A part of the output channels, in passes and in units.
struct Part {
  int64_t first, last, unit, units;
  Part(const FilterLayout& layout, int64_t index, int64_t parts)
      : first(layout.passes() * index / parts),
        last(layout.passes() * (index + 1) / parts),
        unit(first * kUnits),
        units((last * kUnits < layout.units ? last * kUnits : layout.units) - unit) {}
};

/// Calls run(terms, pass, row, count, m), where m is the place of the sums, for all sums of products, all passes of
/// `part` and `rows` rows, at most rows_at_once() of them at a time.
template <class S, class Run>
void each_product(const FilterLayout& filters, const Part& part, int64_t rows, float* m, Run run) {
  for (int product = 0; product < S::kProducts * S::kProducts; ++product)
    for (int64_t pass = part.first; pass < part.last; ++pass) {
      const int64_t groups = ceil_div(rows, rows_at_once(filters.width(pass)));
      const int64_t few = rows / groups, more = rows % groups;  // `more` groups have few + 1
      for (int64_t group = 0, r = 0; group < groups; ++group) {
        const int count = static_cast<int>(group < more ? few + 1 : few);
        const int64_t unit = (pass - part.first) * kUnits;
        run(kAllTerms<S>.of[product], pass, r, count,
            m + r * product_stride<S>(part.units) + (unit * S::kProducts * S::kProducts + product) * kLanes);
        r += count;
      }
    }
}

/// Transforms and products in f32. An arithmetic says how inputs and filters are held between the steps.
template <class S>
struct Floats {
  using Scheme = S;
  static FilterLayout layout(int64_t inputs, int64_t outputs) { return {inputs, outputs}; }
  static void transform_filter(const FilterSource& f, int64_t unit, float* u) {
    const FilterLayout filters = layout(f.inputs(), f.outputs());
    for (int64_t input = 0; input < filters.inputs; ++input) {
      Vec g[9];
      load_taps(f, unit, input, g);
      transform_nine<S>(g, filters, unit, input, u);
    }
  }
  /// v (input, channel / 16, row, 16).
  static int64_t input_stride(const Problem& g, int64_t rows) { return g.c * rows + kLanes; }
  static int64_t input_floats(const Problem& g, int64_t rows) {
    return S::kInputs * S::kInputs * input_stride(g, rows);
  }

  /// Row `row` of v, which holds `held`, <- the input tile `tile`.
  template <class T>
  static void gather(const Tiles<S>& t, const T* x, const T* zeros, const Place& tile, float* v, int64_t row,
                     int64_t held) {
    transform_tile(TilePixels<S, T>(t, x, zeros, tile), 0, t.g.c, v + row * kLanes, input_stride(t.g, held),
                   held * kLanes);
  }
  /// m (row, unit, product, 16) <- `rows` of v's `held` rows, from `first`, by the filters of `part`.
  static void products(const Problem& g, const Part& part, const float* u, const float* v, int64_t first, int64_t rows,
                       int64_t held, float* m) {
    const FilterLayout filters = layout(g.c, g.k);
    const int64_t stride = input_stride(g, held);
    constexpr bool kOneEach = S::kTerms == S::kProducts;  // known to the compiler: a few percent of small products
    each_product<S>(filters, part, rows, m, [&](const Terms& terms, int64_t pass, int64_t r, int count, float* to) {
      Factors factors = {.count = kOneEach ? 1 : terms.count};
      for (int t = 0; t < factors.count; ++t) {
        factors.v[t] = v + terms.term[t].input * stride + (first + r) * kLanes;
        factors.u[t] = u + filters.start(pass, terms.term[t].filter);
      }
      const Multiply f = filters.width(pass) == kUnits ? multiply_for<kUnits>(count, kCounts<kUnits>)
                                                       : multiply_for<1>(count, kCounts<1>);
      f(factors, held * kLanes, g.c, to, product_stride<S>(part.units), S::kProducts * S::kProducts * kLanes);
    });
  }
};

template <class S, class T>
void scatter(const Tiles<S>& tiles, const Operands<T>& o, bool relu, int64_t from, int64_t rows, const Part& part,
             const float* m) {
  tiles.each(from, rows, [&](int64_t r, const Place& tile) {
    for (int64_t j = 0; j < part.units; ++j)
      scatter_tile(tiles, o, relu, tile, part.unit + j,
                   m + r * product_stride<S>(part.units) + j * S::kProducts * S::kProducts * kLanes);
  });
}

/// Floats of the transform of `rows` tiles, of their products with `units` units of filters, and of zeros.
struct Scratch {
  int64_t inputs, products, zeros;
  template <class Arithmetic>
  Scratch(Arithmetic, const Problem& g, const Cut& cut)
      : inputs(Arithmetic::input_floats(g, cut.together ? cut.together : cut.rows)),
        products(cut.rows * product_stride<typename Arithmetic::Scheme>(units_of_part(g, cut))),
        zeros(zero_floats<typename Arithmetic::Scheme>(g)) {}
  static int64_t units_of_part(const Problem& g, const Cut& cut) {
    return ceil_div(FilterLayout(g.c, g.k).passes(), cut.parts) * kUnits;
  }
};

template <class Arithmetic>
int64_t workspace_floats(const Problem& g, const Cut& cut, int threads) {
  const Scratch s(Arithmetic{}, g, cut);
  return cut.together ? s.inputs + threads * (s.products + s.zeros) : threads * (s.inputs + s.products + s.zeros);
}

template <class T>
T* clear(float* memory, int64_t count) {
  T* const zeros = reinterpret_cast<T*>(memory);
  for (int64_t i = 0; i < count; ++i) zeros[i] = 0;
  return zeros;
}

template <class Arithmetic, class T>
void run_by_tiles(const Problem& g, const Cut& cut, const Operands<T>& o, bool relu) {
  const Tiles<typename Arithmetic::Scheme> tiles(g);
  const Part all(FilterLayout(g.c, g.k), 0, 1);
  const Scratch scratch(Arithmetic{}, g, cut);
  const int64_t blocks = ceil_div(tiles.count, cut.rows);
  each_item(o.team, blocks, [&](int64_t block, int thread) {
    float* const v = o.workspace + thread * (scratch.inputs + scratch.products + scratch.zeros);
    float* const m = v + scratch.inputs;
    const T* const zeros = clear<T>(m + scratch.products, Arithmetic::Scheme::kIn * g.c);
    const int64_t from = block * cut.rows, rows = tiles.count - from < cut.rows ? tiles.count - from : cut.rows;
    tiles.each(from, rows,
               [&](int64_t r, const Place& tile) { Arithmetic::gather(tiles, o.x, zeros, tile, v, r, rows); });
    Arithmetic::products(g, all, o.u, v, 0, rows, rows, m);
    scatter(tiles, o, relu, from, rows, all, m);
  });
}

/// Tiles that a thread transforms before it takes others, where they are transformed together.
constexpr int64_t kGathered = 16;

template <class Arithmetic, class T>
void run_by_channels(const Problem& g, const Cut& cut, const Operands<T>& o, bool relu) {
  const Tiles<typename Arithmetic::Scheme> tiles(g);
  const FilterLayout layout(g.c, g.k);
  const Scratch scratch(Arithmetic{}, g, cut);
  float* const v = o.workspace;
  for (int64_t from = 0; from < tiles.count; from += cut.together) {
    const int64_t held = tiles.count - from < cut.together ? tiles.count - from : cut.together;
    const int64_t items = ceil_div(held, cut.rows) * cut.parts;
    const auto products_of = [&](int thread) {
      return v + scratch.inputs + thread * (scratch.products + scratch.zeros);
    };
    each_item(o.team, ceil_div(held, kGathered), [&](int64_t item, int thread) {
      const T* const zeros = clear<T>(products_of(thread) + scratch.products, Arithmetic::Scheme::kIn * g.c);
      const int64_t first = item * kGathered, last = first + kGathered < held ? first + kGathered : held;
      for (int64_t r = first; r < last; ++r) Arithmetic::gather(tiles, o.x, zeros, tiles.place(from + r), v, r, held);
    });
    each_item(o.team, items, [&](int64_t item, int thread) {
      float* const m = products_of(thread);
      const Part part(layout, item % cut.parts, cut.parts);
      const int64_t first = item / cut.parts * cut.rows, rows = held - first < cut.rows ? held - first : cut.rows;
      Arithmetic::products(g, part, o.u, v, first, rows, held, m);
      scatter(tiles, o, relu, from + first, rows, part, m);
    });
  }
}

template <class Arithmetic, class T>
void run(const Problem& g, const Cut& cut, const Operands<T>& o, bool relu) {
  cut.together ? run_by_channels<Arithmetic>(g, cut, o, relu) : run_by_tiles<Arithmetic>(g, cut, o, relu);
}

/// All steps in one arithmetic, for activations of type T.
template <class Arithmetic, class T>
constexpr Steps<T> steps() {
  return {.filter_floats = [](int64_t inputs, int64_t outputs) { return Arithmetic::layout(inputs, outputs).floats(); },
          .filter_units = [](int64_t, int64_t outputs) { return FilterLayout(0, outputs).units; },
          .transform_filter = Arithmetic::transform_filter,
          .workspace_floats = workspace_floats<Arithmetic>,
          .run = run<Arithmetic, T>};
}
