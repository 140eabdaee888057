// Winograd's algorithm by any scheme S of winograd_schemes.h, on 16 channels at a time.

#include "core/winograd_schemes.h"

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

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
  alignas(64) float gathered[9][kLanes] = {};
  for (int t = 0; t < 9; ++t)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const int64_t k = f.turned ? input : first + lane, c = f.turned ? first + lane : input;
      if (k < f.filters && c < f.channels)
        gathered[f.turned ? 8 - t : t][lane] = f.w[(k * 9 + t) * f.channels + c] * f.scale[k];
    }
  for (int t = 0; t < 9; ++t) g[t] = load(gathered[t]);
}

/// Tiles of a problem, and where a block keeps what it computes.
template <class S>
struct Tiles {
  Problem g;
  int64_t down, across, count;
  explicit Tiles(const Problem& g)
      : g(g), down(ceil_div(g.p, S::kOut)), across(ceil_div(g.q, S::kOut)), count(g.n * down * across) {}
  /// Pixels from a tile to the next one, where tiles are `step` apart in images of `rows` by `cols`.
  int64_t next(int64_t tile, int64_t step, int64_t rows, int64_t cols) const {
    const int64_t place = tile % (down * across) + 1;
    if (place % across != 0) return step;
    return (place < down * across ? step : rows - (down - 1) * step) * cols - (across - 1) * step;
  }
};

// One more line between rows of the products, and between points, so that what a tile needs does not fall into the same
// few sets of a cache.
template <class S>
int64_t product_stride(int64_t units) {
  return units * S::kProducts * S::kProducts * kLanes + kLanes;
}

/// Floats of the zeros that stand for the pixels above or below an image: a row of a tile.
template <class S>
int64_t zero_floats(const Problem& g) {
  return S::kIn * ceil_div(g.c, kLanes) * kLanes;
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

/// The pixels of an input tile. Rows in the padding are read from `zeros`, kIn pixels of zeros; columns in it lie
/// outside of [first, last).
template <class S, class T>
struct TilePixels {
  const T* rows[S::kIn];
  int64_t channels, ahead;
  int first, last;
  TilePixels(const Tiles<S>& t, const T* x, const T* zeros, int64_t tile)
      : channels(t.g.c), ahead(t.next(tile, S::kStep, t.g.h, t.g.w) * t.g.c) {
    const Problem& g = t.g;
    const int64_t image = tile / (t.down * t.across), within = tile % (t.down * t.across);
    const int64_t top = within / t.across * S::kStep - g.pad, left = within % t.across * S::kStep - g.pad;
    for (int i = 0; i < S::kIn; ++i) {
      const bool inside = top + i >= 0 && top + i < g.h;
      rows[i] = inside ? x + ((image * g.h + top + i) * g.w + left) * g.c : zeros;
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
#pragma GCC unroll 14
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
#pragma GCC unroll 14
        for (int r = 0; r < kCount; ++r) {
          const Vec a = broadcast(v[r * kLanes + lane]);
#pragma GCC unroll 2
          for (int j = 0; j < kWidth; ++j) sum[r][j] = fma(a, filter[j], sum[r][j]);
        }
      }
  }
#pragma GCC unroll 14
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

/// Where a tile's results go: `lanes` channels of `rows` by `cols` pixels from `corner` on, no less than `lowest`. The
/// next tile's lie `ahead`.
struct Target {
  int64_t corner, rows, cols, lanes, ahead;
  Vec lowest;
};

/// The first `cols` pixels of a row of a tile, and the first `lanes` channels of these, from `at` on.
template <class S, class T>
void scatter_ragged(const Problem& g, const Operands<T>& o, const Target& to, int64_t at, const Vec out[S::kOut]) {
  const int64_t first = to.corner % g.k, lanes = to.lanes < kLanes ? to.lanes : kLanes;
  alignas(64) float bias[kLanes] = {};
  alignas(64) T added[kLanes] = {}, masked[kLanes] = {}, result[kLanes];
  if (o.bias)
    for (int64_t lane = 0; lane < lanes; ++lane) bias[lane] = o.bias[first + lane];
  for (int64_t j = 0; j < S::kOut && j < to.cols; ++j, at += g.k) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      if (o.add) added[lane] = o.add[at + lane];
      if (o.mask) masked[lane] = o.mask[at + lane];
    }
    store(result, finished(out[j] + load(bias), o.add ? added : nullptr, o.mask ? masked : nullptr, to.lowest, 0));
    for (int64_t lane = 0; lane < lanes; ++lane) o.y[at + lane] = result[lane];
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
    for (int i = 0; i < S::kProducts; ++i) in[i] = load(m + (i * S::kProducts + j) * kLanes);
    S::transform_output(in, out);
#pragma GCC unroll 9
    for (int i = 0; i < kCount; ++i) half[i][j] = out[S::kOutputParts[kPart][i]];
  }
  const bool whole = to.rows >= S::kOut && to.cols >= S::kOut && to.lanes >= kLanes;
  const int64_t pixel = g.k;
  const Vec shift = whole && o.bias ? load(o.bias + to.corner % g.k) : zero();
#pragma GCC unroll 9
  for (int i = 0; i < kCount; ++i) {
    const int row = S::kOutputParts[kPart][i];
    Vec out[S::kOut];
    S::transform_output(half[i], out);
    const int64_t at = to.corner + row * g.q * g.k;
    if (!whole) {
      if (row < to.rows) scatter_ragged<S>(g, o, to, at, out);
      continue;
    }
#pragma GCC unroll 8
    for (int j = 0; j < S::kOut; ++j) out[j] = out[j] + shift;
    finish<S::kOut>(out, o.add ? o.add + at : nullptr, o.mask ? o.mask + at : nullptr, to.lowest, pixel, to.ahead);
    T* const y = o.y + at;
#pragma GCC unroll 8
    for (int j = 0; j < S::kOut; ++j) {
      store(y + j * pixel, out[j]);
      __builtin_prefetch(y + j * pixel + to.ahead, 1);
    }
  }
}

template <class S, class T, int... parts>
void scatter_parts(const Problem& g, const Operands<T>& o, const Target& to, const float* m,
                   std::integer_sequence<int, parts...>) {
  (scatter_part<S, parts>(g, o, to, m), ...);
}

/// y's part of one tile and one unit of channels, from m (product, 16).
template <class S, class T>
void scatter_tile(const Tiles<S>& t, const Operands<T>& o, bool relu, int64_t tile, int64_t unit, const float* m) {
  const Problem& g = t.g;
  const int64_t image = tile / (t.down * t.across), within = tile % (t.down * t.across);
  const int64_t top = within / t.across * S::kOut, left = within % t.across * S::kOut, first = unit * kLanes;
  const Target to = {.corner = ((image * g.p + top) * g.q + left) * g.k + first,
                     .rows = g.p - top,
                     .cols = g.q - left,
                     .lanes = g.k - first,
                     .ahead = t.next(tile, S::kOut, g.p, g.q) * g.k,
                     .lowest = broadcast(relu ? 0 : -__builtin_inff())};
  scatter_parts<S>(g, o, to, m,
                   std::make_integer_sequence<int, sizeof(S::kOutputParts) / sizeof(S::kOutputParts[0])>{});
}

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
/// `part` and `rows` rows, at most kRows of them at a time.
template <class S, class Run>
void each_product(const Part& part, int64_t rows, float* m, Run run) {
  const int64_t groups = ceil_div(rows, kRows), few = rows / groups,
                more = rows % groups;  // `more` groups have few + 1
  for (int product = 0; product < S::kProducts * S::kProducts; ++product)
    for (int64_t pass = part.first; pass < part.last; ++pass)
      for (int64_t group = 0, r = 0; group < groups; ++group) {
        const int count = static_cast<int>(group < more ? few + 1 : few);
        const int64_t unit = (pass - part.first) * kUnits;
        run(kAllTerms<S>.of[product], pass, r, count,
            m + r * product_stride<S>(part.units) + (unit * S::kProducts * S::kProducts + product) * kLanes);
        r += count;
      }
}

/// Transforms and products in f32. An arithmetic says how inputs and filters are held between the steps.
template <class S>
struct Floats {
  using Scheme = S;
  static FilterLayout layout(int64_t inputs, int64_t outputs) { return {inputs, outputs}; }
  static void transform_filter(const FilterSource& f, float* u) {
    const FilterLayout filters = layout(f.inputs(), f.outputs());
#pragma omp parallel for schedule(static)
    for (int64_t unit = 0; unit < filters.units; ++unit)
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
  static void gather(const Tiles<S>& t, const T* x, const T* zeros, int64_t tile, float* v, int64_t row, int64_t held) {
    transform_tile(TilePixels<S, T>(t, x, zeros, tile), 0, t.g.c, v + row * kLanes, input_stride(t.g, held),
                   held * kLanes);
  }
  /// m (row, unit, product, 16) <- `rows` of v's `held` rows, from `first`, by the filters of `part`.
  static void products(const Problem& g, const Part& part, const float* u, const float* v, int64_t first, int64_t rows,
                       int64_t held, float* m) {
    const FilterLayout filters = layout(g.c, g.k);
    const int64_t stride = input_stride(g, held);
    constexpr bool kOneEach = S::kTerms == S::kProducts;  // known to the compiler: a few percent of small products
    constexpr std::make_integer_sequence<int, kRows> counts;
    each_product<S>(part, rows, m, [&](const Terms& terms, int64_t pass, int64_t r, int count, float* to) {
      Factors factors = {.count = kOneEach ? 1 : terms.count};
      for (int t = 0; t < factors.count; ++t) {
        factors.v[t] = v + terms.term[t].input * stride + (first + r) * kLanes;
        factors.u[t] = u + filters.start(pass, terms.term[t].filter);
      }
      const Multiply f =
          filters.width(pass) == kUnits ? multiply_for<kUnits>(count, counts) : multiply_for<1>(count, counts);
      f(factors, held * kLanes, g.c, to, product_stride<S>(part.units), S::kProducts * S::kProducts * kLanes);
    });
  }
};

template <class S, class T>
void scatter(const Tiles<S>& tiles, const Operands<T>& o, bool relu, int64_t from, int64_t rows, const Part& part,
             const float* m) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < part.units; ++j)
      scatter_tile(tiles, o, relu, from + r, part.unit + j,
                   m + r * product_stride<S>(part.units) + j * S::kProducts * S::kProducts * kLanes);
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
#pragma omp parallel for schedule(dynamic) if (blocks > 1)
  for (int64_t block = 0; block < blocks; ++block) {
    float* const v = o.workspace + omp_get_thread_num() * (scratch.inputs + scratch.products + scratch.zeros);
    float* const m = v + scratch.inputs;
    const T* const zeros = clear<T>(m + scratch.products, Arithmetic::Scheme::kIn * g.c);
    const int64_t from = block * cut.rows, rows = tiles.count - from < cut.rows ? tiles.count - from : cut.rows;
    for (int64_t r = 0; r < rows; ++r) Arithmetic::gather(tiles, o.x, zeros, from + r, v, r, rows);
    Arithmetic::products(g, all, o.u, v, 0, rows, rows, m);
    scatter(tiles, o, relu, from, rows, all, m);
  }
}

template <class Arithmetic, class T>
void run_by_channels(const Problem& g, const Cut& cut, const Operands<T>& o, bool relu) {
  const Tiles<typename Arithmetic::Scheme> tiles(g);
  const FilterLayout layout(g.c, g.k);
  const Scratch scratch(Arithmetic{}, g, cut);
  float* const v = o.workspace;
  for (int64_t from = 0; from < tiles.count; from += cut.together) {
    const int64_t held = tiles.count - from < cut.together ? tiles.count - from : cut.together;
    const int64_t items = ceil_div(held, cut.rows) * cut.parts;
#pragma omp parallel
    {
      float* const m = v + scratch.inputs + omp_get_thread_num() * (scratch.products + scratch.zeros);
      const T* const zeros = clear<T>(m + scratch.products, Arithmetic::Scheme::kIn * g.c);
#pragma omp for schedule(static)
      for (int64_t r = 0; r < held; ++r) Arithmetic::gather(tiles, o.x, zeros, from + r, v, r, held);
#pragma omp for schedule(dynamic)
      for (int64_t item = 0; item < items; ++item) {
        const Part part(layout, item % cut.parts, cut.parts);
        const int64_t first = item / cut.parts * cut.rows, rows = held - first < cut.rows ? held - first : cut.rows;
        Arithmetic::products(g, part, o.u, v, first, rows, held, m);
        scatter(tiles, o, relu, from + first, rows, part, m);
      }
    }
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
          .transform_filter = Arithmetic::transform_filter,
          .workspace_floats = workspace_floats<Arithmetic>,
          .run = run<Arithmetic, T>};
}
