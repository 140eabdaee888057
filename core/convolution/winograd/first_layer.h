// A first layer: 3x3, stride 1, padding 1, at most three input channels and a multiple of 16 output channels. Its 27
// taps are too few for Winograd's algorithm to save any time, so it runs directly, and so does its data gradient. Every
// sum is one chain over the taps or, in the gradient, 16 of them. Part of the same files as winograd_body.h.

/// Neighbouring results, rows by columns, that are computed together: as many as there are registers for.
constexpr int kPatchRows = kUnits, kPatchCols = kUnits == 1 ? 4 : 8;
constexpr int64_t kPatch = kPatchRows * kPatchCols;

/// Rows that one thread computes before it takes others, a multiple of kPatchRows.
constexpr int64_t kBand = 16;

/// sum [+]= the correlation of 3x3 taps with the pixels at(row, column).
template <int kCols, class At>
void correlate(const Vec taps[9], Vec sum[kPatchRows][kCols], At at) {
#pragma GCC unroll 4
  for (int i = 0; i < kPatchRows + 2; ++i)
#pragma GCC unroll 10
    for (int j = 0; j < kCols + 2; ++j) {
      const Vec x = at(i, j);
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r)
#pragma GCC unroll 3
        for (int s = 0; s < 3; ++s)
          if (i - r >= 0 && i - r < kPatchRows && j - s >= 0 && j - s < kCols)
            sum[i - r][j - s] = fma(x, taps[3 * r + s], sum[i - r][j - s]);
    }
}

template <int kCols>
void clear_sums(Vec sum[kPatchRows][kCols]) {
#pragma GCC unroll 4
  for (int i = 0; i < kPatchRows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < kCols; ++j) sum[i][j] = zero();
}

inline void load_nine(const float* u, Vec taps[9]) {
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) taps[t] = load(u + t * kLanes);
}

inline float widened(float v) { return v; }
inline float widened(Half v) {
  const uint32_t bits = uint32_t{v} << 16;
  float f;
  __builtin_memcpy(&f, &bits, sizeof f);
  return f;
}
template <class T>
T narrowed(float v) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return v;
  } else {
    alignas(64) T lanes[kLanes];
    store(lanes, broadcast(v));
    return lanes[0];
  }
}

/// u (unit of filters, channel, tap, filter of the unit), for both directions; turned, the taps are reversed.
void first_filter(const FilterSource& f, int64_t, float* u) {
  for (int64_t k = 0; k < f.filters; ++k)
    for (int64_t c = 0; c < f.channels; ++c)
      for (int64_t t = 0; t < 9; ++t)
        u[((k / kLanes * f.channels + c) * 9 + (f.turned ? 8 - t : t)) * kLanes + k % kLanes] =
            f.w[(k * 9 + t) * f.channels + c] * f.scale[k];
}

/// What a thread keeps of an image: the rows that a patch needs, as floats, in planes of `lanes` channels, each with
/// pixels of zeros around it, and a row of zeros.
struct HeldRows {
  int64_t w, h, channels, lanes, plane;
  HeldRows(const Problem& g, int64_t lanes)
      : w(g.w), h(g.h), channels(g.c), lanes(lanes), plane((ceil_div(g.w, kLanes) * kLanes + 2) * lanes) {}

  static constexpr int64_t kHeld = kPatchRows + 2;
  int64_t row_floats() const { return channels / lanes * plane; }
  int64_t floats() const { return ceil_div((kHeld + 1) * row_floats(), kLanes) * kLanes; }
  /// Zeros wherever take() never writes.
  float* clear(float* held) const {
    float* const zeros = held + kHeld * row_floats();
    for (float* at = held; at < zeros; at += plane) {
      for (int64_t i = 0; i < lanes; ++i) at[i] = 0;
      for (int64_t i = (w + 1) * lanes; i < plane; ++i) at[i] = 0;
    }
    for (int64_t i = 0; i < row_floats(); ++i) zeros[i] = 0;
    return held;
  }
  /// The padding left of `row`.
  float* at(float* held, int64_t row) const {
    return held + (row < 0 || row >= h ? kHeld : row % kHeld) * row_floats();
  }
  /// A row of the image.
  template <class T>
  void take(float* held, const T* image, int64_t row) const {
    const T* from = image + row * w * channels;
    float* to = at(held, row) + lanes;
    const int64_t pixels = w, stride = channels;
    if (lanes < kLanes) {
      for (int64_t i = 0; i < pixels * stride; ++i) to[i] = widened(from[i]);
      return;
    }
    for (const T* const end = from + stride; from < end; from += kLanes, to += plane)
      for (int64_t col = 0; col < pixels; ++col) store(to + col * kLanes, load(from + col * stride));
  }
};

/// The forward direction holds pixels of x as they are, the gradient pixels of dy by units.
inline HeldRows held_rows(const Problem& g) { return {g, g.c < kLanes ? g.c : kLanes}; }

/// f(image, row, x, last) for all rows that are multiples of kPatchRows, where x are the rows from row - 1 on; `last`
/// is the end of the rows that f may write. A thread takes kBand rows at a time.
template <class T, class F>
void each_row(const Problem& g, const Operands<T>& o, F f) {
  const HeldRows rows = held_rows(g);
  const int64_t bands = ceil_div(g.h, kBand);
  each_item(o.team, g.n * bands, [&](int64_t item, int thread) {
    float* const held = rows.clear(o.workspace + thread * rows.floats());
    const int64_t image = item / bands, first = item % bands * kBand;
    const int64_t last = first + kBand < g.h ? first + kBand : g.h;
    int64_t next = first > 0 ? first - 1 : 0;
    for (int64_t row = first; row < last; row += kPatchRows) {
      for (; next < g.h && next <= row + kPatchRows; ++next) rows.take(held, o.x + image * g.h * g.w * g.c, next);
      const float* x[HeldRows::kHeld];
      for (int i = 0; i < HeldRows::kHeld; ++i) x[i] = rows.at(held, row - 1 + i);
      f(image, row, x, last);
    }
  });
}

/// A patch of one unit of y's channels, kCols wide; x holds the rows about it.
template <int kChannels, int kCols, class T>
void first_patch(const Problem& g, const float* const x[kPatchRows + 2], int64_t col, const float* u,
                 const Operands<T>& o, const Target& to) {
  Vec sum[kPatchRows][kCols];
  clear_sums<kCols>(sum);
#pragma GCC unroll 1
  for (int c = 0; c < kChannels; ++c) {
    Vec taps[9];
    load_nine(u + c * 9 * kLanes, taps);
    correlate<kCols>(taps, sum, [&](int i, int j) { return broadcast(x[i][(col + j) * kChannels + c]); });
  }
  const Vec shift = o.bias ? load(o.bias + to.channel) : zero();
#pragma GCC unroll 4
  for (int i = 0; i < kPatchRows; ++i)
    if (i < to.rows) [[likely]]
      write_row<kCols>(o, to, to.corner + i * g.w * g.k, g.k, shift, sum[i]);
}

/// y = conv(x), through everything of `o`, and a ReLU if `relu`.
struct Forward {
  template <class T>
  static void run(const Problem& g, const Cut&, const Operands<T>& o, bool relu) {
    const Vec lowest = broadcast(relu ? 0 : -__builtin_inff());
    const auto patches = [&](auto cols) {
      constexpr int kCols = decltype(cols)::value;
      return g.c == 1 ? first_patch<1, kCols, T> : g.c == 2 ? first_patch<2, kCols, T> : first_patch<3, kCols, T>;
    };
    const auto whole = patches(std::integral_constant<int, kPatchCols>{});
    const auto half = patches(std::integral_constant<int, kPatchCols / 2>{});
    each_row(g, o, [&](int64_t image, int64_t row, const float* const x[HeldRows::kHeld], int64_t last) {
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

/// Columns [col, col + 16 / kPatchRows) of rows [row, last) of dx, kPatchRows of them at most; dy holds the rows about
/// it.
template <int kChannels, class T>
void gradient_columns(const Problem& g, const Operands<T>& o, const float* const dy[kPatchRows + 2], int64_t image,
                      int64_t row, int64_t last, int64_t col) {
  constexpr int kCols = kLanes / kPatchRows;
  const int64_t plane = held_rows(g).plane;
  alignas(64) float lanes[kChannels][kLanes];
#pragma GCC unroll 1
  for (int c = 0; c < kChannels; ++c) {
    Vec sums[kLanes];
#pragma GCC unroll 4
    for (int part = 0; part < kCols; part += kPatchCols) {
      Vec sum[kPatchRows][kPatchCols];
      clear_sums<kPatchCols>(sum);
      int64_t at = (col + part) * kLanes;
#pragma GCC unroll 1
      for (int64_t k = 0; k < g.c; k += kLanes, at += plane) {
        Vec taps[9];
        load_nine(o.u + (k * kChannels + c * kLanes) * 9, taps);
        correlate<kPatchCols>(taps, sum, [&](int i, int j) { return load(dy[i] + at + j * kLanes); });
      }
#pragma GCC unroll 4
      for (int i = 0; i < kPatchRows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < kPatchCols; ++j) sums[i * kCols + part + j] = sum[i][j];
    }
    store(lanes[c], sums_of_lanes(sums));
  }
  const int64_t rows = last - row < kPatchRows ? last - row : kPatchRows, cols = g.w - col < kCols ? g.w - col : kCols;
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t to = ((image * g.h + row + i) * g.w + col) * kChannels;
    alignas(64) float line[kCols * kChannels];
#pragma GCC unroll 16
    for (int j = 0; j < kCols; ++j)
#pragma GCC unroll 3
      for (int c = 0; c < kChannels; ++c) line[j * kChannels + c] = lanes[c][i * kCols + j];
    const int64_t count = cols * kChannels;
    if (o.add)
      for (int64_t j = 0; j < count; ++j) line[j] += widened(o.add[to + j]);
    if (o.mask)
      for (int64_t j = 0; j < count; ++j) line[j] = widened(o.mask[to + j]) > 0 ? line[j] : 0;
    for (int64_t j = 0; j < count; ++j) o.y[to + j] = narrowed<T>(line[j]);
  }
}

/// y = the data gradient, g the turned problem; nothing but `add` and `mask` follows it.
struct DataGradient {
  template <class T>
  static void run(const Problem& g, const Cut&, const Operands<T>& o, bool) {
    const auto columns = g.k == 1 ? gradient_columns<1, T> : g.k == 2 ? gradient_columns<2, T> : gradient_columns<3, T>;
    each_row(g, o, [&](int64_t image, int64_t row, const float* const dy[HeldRows::kHeld], int64_t last) {
      for (int64_t col = 0; col < g.w; col += kLanes / kPatchRows) columns(g, o, dy, image, row, last, col);
    });
  }
};

template <class Direction, class T>
constexpr Steps<T> first_steps() {
  return {.filter_floats = [](int64_t inputs, int64_t outputs) { return 9 * inputs * outputs; },
          .filter_units = [](int64_t, int64_t) { return int64_t{1}; },
          .transform_filter = first_filter,
          .workspace_floats = [](const Problem& g, const Cut&, int threads) { return threads * held_rows(g).floats(); },
          .run = Direction::template run<T>};
}

template <class Direction>
constexpr Scheme first_scheme() {
  return {.out = 1, .floats = first_steps<Direction, float>(), .halves = first_steps<Direction, Half>()};
}
