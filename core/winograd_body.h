// Winograd's F(4x4, 3x3) (Lavin and Gray, 2016) on 16 channels at a time, for the vector type Vec of the file that
// includes this. The points of interpolation are 0, a, -a, b, -b and infinity: with these a and b the error in f32 is
// twice that of a direct convolution; with the usual 1 and 2 it is five times that.

constexpr float kA = 0.625f, kB = 1.5f, kA2 = kA * kA, kB2 = kB * kB;

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

inline void transform_input(const Vec d[kIn], Vec v[kIn]) {
  const Vec a = broadcast(kA), b = broadcast(kB), minus_a2 = broadcast(-kA2), minus_b2 = broadcast(-kB2);
  const Vec product = broadcast(kA2 * kB2), minus_sum = broadcast(-(kA2 + kB2));
  const Vec even_a = fma(minus_b2, d[2], d[4]), odd_a = a * fma(minus_b2, d[1], d[3]);
  const Vec even_b = fma(minus_a2, d[2], d[4]), odd_b = b * fma(minus_a2, d[1], d[3]);
  v[0] = fma(product, d[0], fma(minus_sum, d[2], d[4]));
  v[1] = even_a + odd_a;
  v[2] = even_a - odd_a;
  v[3] = even_b + odd_b;
  v[4] = even_b - odd_b;
  v[5] = fma(product, d[1], fma(minus_sum, d[3], d[5]));
}

inline void transform_taps(const Vec g[3], Vec u[kIn]) {
  const Vec even_a = broadcast(0.5f / (kA2 * (kA2 - kB2))) * fma(broadcast(kA2), g[2], g[0]);
  const Vec odd_a = broadcast(0.5f * kA / (kA2 * (kA2 - kB2))) * g[1];
  const Vec even_b = broadcast(0.5f / (kB2 * (kB2 - kA2))) * fma(broadcast(kB2), g[2], g[0]);
  const Vec odd_b = broadcast(0.5f * kB / (kB2 * (kB2 - kA2))) * g[1];
  u[0] = broadcast(1 / (kA2 * kB2)) * g[0];
  u[1] = even_a + odd_a;
  u[2] = even_a - odd_a;
  u[3] = even_b + odd_b;
  u[4] = even_b - odd_b;
  u[5] = g[2];
}

inline void transform_output(const Vec m[kIn], Vec y[kOut]) {
  const Vec sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  y[0] = m[0] + (sum_a + sum_b);
  y[1] = fma(broadcast(kA), difference_a, broadcast(kB) * difference_b);
  y[2] = fma(broadcast(kA2), sum_a, broadcast(kB2) * sum_b);
  y[3] = fma(broadcast(kA2 * kA), difference_a, fma(broadcast(kB2 * kB), difference_b, m[5]));
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
    return pass * kPoints * (kUnits * inputs + 1) * kLanes + point * (width(pass) * inputs + 1) * kLanes;
  }
  int64_t floats() const { return start(passes(), 0); }
  int64_t at(int64_t unit, int point, int64_t input) const {
    const int64_t pass = unit / kUnits;
    return start(pass, point) + (input * width(pass) + unit % kUnits) * kLanes;
  }
};

inline void transform_nine(const Vec g[9], const FilterLayout& layout, int64_t unit, int64_t input, float* u) {
  Vec columns[kIn][3];
  for (int j = 0; j < 3; ++j) {
    const Vec taps[3] = {g[j], g[3 + j], g[6 + j]};
    Vec out[kIn];
    transform_taps(taps, out);
    for (int i = 0; i < kIn; ++i) columns[i][j] = out[i];
  }
  for (int i = 0; i < kIn; ++i) {
    Vec out[kIn];
    transform_taps(columns[i], out);
    for (int j = 0; j < kIn; ++j) store(u + layout.at(unit, i * kIn + j, input), out[j]);
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
struct Tiles {
  Problem g;
  int64_t p, q, down, across, count;
  explicit Tiles(const Problem& g)
      : g(g),
        p(g.h + 2 * g.pad - 2),
        q(g.w + 2 * g.pad - 2),
        down(ceil_div(p, kOut)),
        across(ceil_div(q, kOut)),
        count(g.n * down * across) {}
};

// One more line between rows of the products, and between points, so that what a tile needs does not fall into the same
// few sets of a cache.
inline int64_t product_stride(int64_t units) { return units * kPoints * kLanes + kLanes; }

/// Floats of the zeros that stand for the pixels above or below an image: a row of a tile.
inline int64_t zero_floats(const Problem& g) { return kIn * ceil_div(g.c, kLanes) * kLanes; }

/// Floats of the transform of `rows` tiles, of their products with `units` units of filters, and of zeros.
struct Scratch {
  int64_t inputs, products, zeros;
  template <class Arithmetic>
  Scratch(Arithmetic, const Problem& g, const Cut& cut)
      : inputs(Arithmetic::input_floats(g, cut.together ? cut.together : cut.rows)),
        products(cut.rows * product_stride(units_of_part(g, cut))),
        zeros(zero_floats(g)) {}
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
template <class T>
struct TilePixels {
  const T* rows[kIn];
  int64_t channels;
  int first, last;
  TilePixels(const Tiles& t, const T* x, const T* zeros, int64_t tile) : channels(t.g.c) {
    const Problem& g = t.g;
    const int64_t image = tile / (t.down * t.across), within = tile % (t.down * t.across);
    const int64_t top = within / t.across * kOut - g.pad, left = within % t.across * kOut - g.pad;
    for (int i = 0; i < kIn; ++i) {
      const bool inside = top + i >= 0 && top + i < g.h;
      rows[i] = inside ? x + ((image * g.h + top + i) * g.w + left) * g.c : zeros;
    }
    first = left < 0 ? static_cast<int>(-left) : 0;
    last = g.w - left < kIn ? static_cast<int>(g.w - left) : kIn;
  }
};

/// Rows 3 kHalf to 3 kHalf + 2 of a tile's transform, channels c to c + 15. By halves everything stays in registers.
template <int kHalf, class T>
void transform_half(const TilePixels<T>& x, int64_t c, float* v, int64_t stride) {
  Vec half[kIn / 2][kIn];
#pragma GCC unroll 6
  for (int j = 0; j < kIn; ++j) {
    Vec d[kIn], out[kIn];
    const bool inside = j >= x.first && j < x.last;
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) {
      const T* const pixel = x.rows[i] + j * x.channels + c;
      d[i] = inside ? load(pixel) : zero();
      if (kHalf == 0 && j >= kIn - kOut) __builtin_prefetch(pixel + kOut * x.channels);  // the tile to the right
    }
    transform_input(d, out);
#pragma GCC unroll 3
    for (int i = 0; i < kIn / 2; ++i) half[i][j] = out[kHalf * kIn / 2 + i];
  }
#pragma GCC unroll 3
  for (int i = 0; i < kIn / 2; ++i) {
    Vec out[kIn];
    transform_input(half[i], out);
#pragma GCC unroll 6
    for (int j = 0; j < kIn; ++j) store(v + ((kHalf * kIn / 2 + i) * kIn + j) * stride, out[j]);
  }
}

/// v (point, channel / 16, ...) <- channels [begin, end) of a tile; `stride` from point to point, `block` from 16
/// channels to the next.
template <class T>
void transform_tile(const TilePixels<T>& x, int64_t begin, int64_t end, float* v, int64_t stride, int64_t block) {
  for (int64_t c = begin; c < end; c += kLanes, v += block) {
    transform_half<0>(x, c, v, stride);
    transform_half<1>(x, c, v, stride);
  }
}

/// m (row at `stride`, unit at `unit_stride`, 16) <- v (channel / 16, row, 16) by u (channel, unit, 16) for `kCount`
/// rows.
template <int kCount, int kWidth>
void multiply(const float* v, int64_t block, int64_t channels, const float* u, float* m, int64_t stride,
              int64_t unit_stride) {
  Vec sum[kCount][kWidth];
#pragma GCC unroll 14
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) sum[r][j] = zero();
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
#pragma GCC unroll 14
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) store(m + r * stride + j * unit_stride, sum[r][j]);
}

using Multiply = void (*)(const float*, int64_t, int64_t, const float*, float*, int64_t, int64_t);

template <int kWidth, int... counts>
Multiply multiply_for(int count, std::integer_sequence<int, counts...>) {
  static constexpr Multiply all[] = {multiply<counts + 1, kWidth>...};
  return all[count - 1];
}

/// A result's way to memory: the sum `y`, what is added at `add`, 0 where `mask` is not above 0, and no less than
/// `lowest`. What lies `ahead` will be needed next.
template <class T>
Vec finished(Vec y, const T* add, const T* mask, Vec lowest, int64_t ahead) {
  if (add) {
    y = y + load(add);
    __builtin_prefetch(add + ahead);
  }
  if (mask) {
    y = where_above_zero(load(mask), y);
    __builtin_prefetch(mask + ahead);
  }
  return at_least(lowest, y);
}

/// The pixels of a tile that are in y, of `lanes` channels, from `corner` on; `shift` is the bias.
template <class T>
void scatter_ragged(const Tiles& t, const Operands<T>& o, Vec lowest, int64_t lanes, int64_t corner, int64_t rows,
                    int64_t cols, const Vec half[kOut][kIn]) {
  const int64_t first = corner % t.g.k;
  alignas(64) float bias[kLanes] = {};
  alignas(64) T added[kLanes] = {}, masked[kLanes] = {}, result[kLanes];
  if (o.bias)
    for (int64_t lane = 0; lane < lanes; ++lane) bias[lane] = o.bias[first + lane];
  for (int64_t i = 0; i < rows; ++i) {
    Vec out[kOut];
    transform_output(half[i], out);
    for (int64_t j = 0; j < cols; ++j) {
      const int64_t at = corner + (i * t.q + j) * t.g.k;
      for (int64_t lane = 0; lane < lanes; ++lane) {
        if (o.add) added[lane] = o.add[at + lane];
        if (o.mask) masked[lane] = o.mask[at + lane];
      }
      store(result, finished(out[j] + load(bias), o.add ? added : nullptr, o.mask ? masked : nullptr, lowest, 0));
      for (int64_t lane = 0; lane < lanes; ++lane) o.y[at + lane] = result[lane];
    }
  }
}

/// y's part of one tile and one unit of channels, from m (point, 16).
template <class T>
void scatter_tile(const Tiles& t, const Operands<T>& o, bool relu, int64_t tile, int64_t unit, const float* m) {
  Vec half[kOut][kIn];
#pragma GCC unroll 6
  for (int j = 0; j < kIn; ++j) {
    Vec in[kIn], out[kOut];
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) in[i] = load(m + (i * kIn + j) * kLanes);
    transform_output(in, out);
#pragma GCC unroll 4
    for (int i = 0; i < kOut; ++i) half[i][j] = out[i];
  }
  const Problem& g = t.g;
  const int64_t image = tile / (t.down * t.across), within = tile % (t.down * t.across);
  const int64_t top = within / t.across * kOut, left = within % t.across * kOut, first = unit * kLanes;
  const int64_t rows = t.p - top, cols = t.q - left, lanes = g.k - first;
  const int64_t corner = ((image * t.p + top) * t.q + left) * g.k + first;
  const Vec lowest = broadcast(relu ? 0 : -__builtin_inff());
  if (rows < kOut || cols < kOut || lanes < kLanes)
    return scatter_ragged(t, o, lowest, lanes < kLanes ? lanes : kLanes, corner, rows < kOut ? rows : kOut,
                          cols < kOut ? cols : kOut, half);
  const Vec shift = o.bias ? load(o.bias + first) : zero();
#pragma GCC unroll 4
  for (int i = 0; i < kOut; ++i) {
    Vec out[kOut];
    transform_output(half[i], out);
#pragma GCC unroll 4
    for (int j = 0; j < kOut; ++j) {
      const int64_t at = corner + (i * t.q + j) * g.k, ahead = kOut * g.k;
      __builtin_prefetch(o.y + at + ahead, 1);
      store(o.y + at,
            finished(out[j] + shift, o.add ? o.add + at : nullptr, o.mask ? o.mask + at : nullptr, lowest, ahead));
    }
  }
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

/// Calls run(point, pass, row, count, m), where m is the place of the products, for all points, all passes of `part`
/// and `rows` rows, at most kRows of them at a time.
template <class Run>
void each_product(const Part& part, int64_t rows, float* m, Run run) {
  const int64_t groups = ceil_div(rows, kRows);
  for (int point = 0; point < kPoints; ++point)
    for (int64_t pass = part.first; pass < part.last; ++pass)
      for (int64_t group = 0; group < groups; ++group) {
        const int64_t r = rows * group / groups;
        const int count = static_cast<int>(rows * (group + 1) / groups - r);
        run(point, pass, r, count,
            m + r * product_stride(part.units) + ((pass - part.first) * kUnits * kPoints + point) * kLanes);
      }
}

/// Transforms and products in f32. An arithmetic says how inputs and filters are held between the steps.
struct Floats {
  static FilterLayout layout(int64_t inputs, int64_t outputs) { return {inputs, outputs}; }
  static void transform_filter(const FilterSource& f, float* u) {
    const FilterLayout filters = layout(f.inputs(), f.outputs());
#pragma omp parallel for schedule(static)
    for (int64_t unit = 0; unit < filters.units; ++unit)
      for (int64_t input = 0; input < filters.inputs; ++input) {
        Vec g[9];
        load_taps(f, unit, input, g);
        transform_nine(g, filters, unit, input, u);
      }
  }
  /// v (point, channel / 16, row, 16).
  static int64_t point_stride(const Problem& g, int64_t rows) { return g.c * rows + kLanes; }
  static int64_t input_floats(const Problem& g, int64_t rows) { return kPoints * point_stride(g, rows); }

  /// Row `row` of v, which holds `held`, <- the input tile `tile`.
  template <class T>
  static void gather(const Tiles& t, const T* x, const T* zeros, int64_t tile, float* v, int64_t row, int64_t held) {
    transform_tile(TilePixels<T>(t, x, zeros, tile), 0, t.g.c, v + row * kLanes, point_stride(t.g, held),
                   held * kLanes);
  }
  /// m (row, unit, point, 16) <- `rows` of v's `held` rows, from `first`, by the filters of `part`.
  static void products(const Problem& g, const Part& part, const float* u, const float* v, int64_t first, int64_t rows,
                       int64_t held, float* m) {
    const FilterLayout filters = layout(g.c, g.k);
    const int64_t stride = point_stride(g, held);
    constexpr std::make_integer_sequence<int, kRows> counts;
    each_product(part, rows, m, [&](int point, int64_t pass, int64_t r, int count, float* to) {
      const Multiply f =
          filters.width(pass) == kUnits ? multiply_for<kUnits>(count, counts) : multiply_for<1>(count, counts);
      f(v + point * stride + (first + r) * kLanes, held * kLanes, g.c, u + filters.start(pass, point), to,
        product_stride(part.units), kPoints * kLanes);
    });
  }
};

template <class T>
void scatter(const Tiles& tiles, const Operands<T>& o, bool relu, int64_t from, int64_t rows, const Part& part,
             const float* m) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < part.units; ++j)
      scatter_tile(tiles, o, relu, from + r, part.unit + j, m + r * product_stride(part.units) + j * kPoints * kLanes);
}

template <class T>
T* clear(float* memory, int64_t count) {
  T* const zeros = reinterpret_cast<T*>(memory);
  for (int64_t i = 0; i < count; ++i) zeros[i] = 0;
  return zeros;
}

template <class Arithmetic, class T>
void run_by_tiles(const Problem& g, const Cut& cut, const Operands<T>& o, bool relu) {
  const Tiles tiles(g);
  const Part all(FilterLayout(g.c, g.k), 0, 1);
  const Scratch scratch(Arithmetic{}, g, cut);
  const int64_t blocks = ceil_div(tiles.count, cut.rows);
#pragma omp parallel for schedule(dynamic) if (blocks > 1)
  for (int64_t block = 0; block < blocks; ++block) {
    float* const v = o.workspace + omp_get_thread_num() * (scratch.inputs + scratch.products + scratch.zeros);
    float* const m = v + scratch.inputs;
    const T* const zeros = clear<T>(m + scratch.products, kIn * g.c);
    const int64_t from = block * cut.rows, rows = tiles.count - from < cut.rows ? tiles.count - from : cut.rows;
    for (int64_t r = 0; r < rows; ++r) Arithmetic::gather(tiles, o.x, zeros, from + r, v, r, rows);
    Arithmetic::products(g, all, o.u, v, 0, rows, rows, m);
    scatter(tiles, o, relu, from, rows, all, m);
  }
}

template <class Arithmetic, class T>
void run_by_channels(const Problem& g, const Cut& cut, const Operands<T>& o, bool relu) {
  const Tiles tiles(g);
  const FilterLayout layout(g.c, g.k);
  const Scratch scratch(Arithmetic{}, g, cut);
  float* const v = o.workspace;
  for (int64_t from = 0; from < tiles.count; from += cut.together) {
    const int64_t held = tiles.count - from < cut.together ? tiles.count - from : cut.together;
    const int64_t items = ceil_div(held, cut.rows) * cut.parts;
#pragma omp parallel
    {
      float* const m = v + scratch.inputs + omp_get_thread_num() * (scratch.products + scratch.zeros);
      const T* const zeros = clear<T>(m + scratch.products, kIn * g.c);
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
