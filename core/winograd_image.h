// The data gradient of a first layer: 3x3, padding 1, at most three input channels. As a convolution it would fill
// three lanes of a vector; so every pixel of dy is multiplied by all taps first, 27 values, which are then added up
// where they meet. Part of the same files as winograd_body.h.

constexpr int kImageRow = kImageFloats, kImageUnits = kImageRow / kLanes;

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

/// u (k, 9 taps, channels), padded to kImageRow, in units: (pass, k, unit of the pass, lane).
void image_filter(const FilterSource& f, float* u) {
  for (int64_t k = 0; k < f.filters; ++k)
    for (int64_t i = 0; i < kImageRow; ++i) {
      const int64_t unit = i / kLanes, pass = unit / kUnits;
      u[(pass * f.filters + k) * kUnits * kLanes + unit % kUnits * kLanes + i % kLanes] =
          i < 9 * f.channels ? f.w[k * 9 * f.channels + i] * f.scale[k] : 0;
    }
}

/// Four neighbouring floats.
using Four = float __attribute__((vector_size(16), aligned(4)));

/// A thread's memory: the products of three rows of an image, each between two pixels of zeros, a row of zeros, and the
/// rows that are multiplied at once.
struct ImageScratch {
  int64_t row, rows;
  explicit ImageScratch(const Problem& g) : row((g.w + 2) * kImageRow), rows(4 * row + kRows * g.c) {}
};

int64_t image_floats(const Problem& g, int threads) { return threads * ImageScratch(g).rows; }

/// products (pixel, kImageRow) <- a row of dy (w, c) by u.
template <class T>
void multiply_row(const Problem& g, const T* dy, const float* u, float* gathered, float* products) {
  constexpr std::make_integer_sequence<int, kRows> counts;
  const int64_t groups = ceil_div(g.w, kRows);
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = g.w * group / groups, count = g.w * (group + 1) / groups - first;
    for (int64_t c = 0; c < g.c; c += kLanes)
      for (int64_t r = 0; r < count; ++r) store(gathered + (c * count + r * kLanes), load(dy + (first + r) * g.c + c));
    for (int pass = 0; pass < kImageUnits / kUnits; ++pass)
      multiply_for<kUnits>(static_cast<int>(count), counts)(
          {.count = 1, .v = {gathered}, .u = {u + pass * g.c * kUnits * kLanes}}, count * kLanes, g.c,
          products + first * kImageRow + pass * kUnits * kLanes, kImageRow, kLanes);
  }
}

/// g is the turned problem: x is dy (n, h, w, c), y is dx (n, h, w, k).
template <class T>
void image_gradient(const Problem& g, const Operands<T>& o) {
  const ImageScratch scratch(g);
#pragma omp parallel for schedule(static)
  for (int64_t image = 0; image < g.n; ++image) {
    float* const rows = o.workspace + omp_get_thread_num() * scratch.rows;
    float *const zeros = rows + 3 * scratch.row, *const gathered = zeros + scratch.row;
    for (int64_t i = 0; i < 4 * scratch.row; i += kLanes) store(rows + i, zero());
    const auto products = [&](int64_t row) { return row < 0 || row >= g.h ? zeros : rows + row % 3 * scratch.row; };
    for (int64_t row = 0; row <= g.h; ++row) {
      if (row < g.h) multiply_row(g, o.x + (image * g.h + row) * g.w * g.c, o.u, gathered, products(row) + kImageRow);
      if (row == 0) continue;
      // Row `row - 1` of dx takes from dy's row above, times its filter's last row of taps, to the row below.
      const float* const from[3] = {products(row), products(row - 1), products(row - 2)};
      T* const dx = o.y + (image * g.h + row - 1) * g.w * g.k;
      const T* const add = o.add ? o.add + (dx - o.y) : nullptr;
      for (int64_t col = 0; col < g.w; ++col) {
        Four sum = {};
        for (int r = 0; r < 3; ++r)
          for (int s = 0; s < 3; ++s)
            sum += *reinterpret_cast<const Four*>(from[r] + (col + 2 - s) * kImageRow + (3 * r + s) * g.k);
        for (int64_t k = 0; k < g.k; ++k) {
          float value = sum[k];
          if (add) value += widened(add[col * g.k + k]);
          dx[col * g.k + k] = narrowed<T>(value);
        }
      }
    }
  }
}
