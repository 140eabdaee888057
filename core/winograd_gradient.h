// The filter gradient, the transpose of winograd_body.h's algorithm: both operands of a tile are transformed, their
// products summed over all tiles at each of the 36 points, and the sums transformed to 3x3 taps. Part of the same
// files.

constexpr int kIn = Stride1::kIn, kOut = Stride1::kOut, kPoints = kIn * kIn;
constexpr float kA = Stride1::kA, kB = Stride1::kB, kA2 = Stride1::kA2, kB2 = Stride1::kB2;

inline void transform_gradient(const Vec e[kOut], Vec v[kIn]) {
  const Vec even_a = fma(broadcast(kA2), e[2], e[0]), even_b = fma(broadcast(kB2), e[2], e[0]);
  const Vec odd_a = broadcast(kA) * fma(broadcast(kA2), e[3], e[1]);
  const Vec odd_b = broadcast(kB) * fma(broadcast(kB2), e[3], e[1]);
  v[0] = e[0];
  v[1] = even_a + odd_a;
  v[2] = even_a - odd_a;
  v[3] = even_b + odd_b;
  v[4] = even_b - odd_b;
  v[5] = e[3];
}

inline void transform_sums(const Vec p[kIn], Vec g[3]) {
  const Vec fa = broadcast(0.5f / (kA2 * (kA2 - kB2))), fb = broadcast(0.5f / (kB2 * (kB2 - kA2)));
  const Vec even_a = fa * (p[1] + p[2]), odd_a = fa * (p[1] - p[2]);
  const Vec even_b = fb * (p[3] + p[4]), odd_b = fb * (p[3] - p[4]);
  g[0] = fma(broadcast(1 / (kA2 * kB2)), p[0], even_a + even_b);
  g[1] = fma(broadcast(kA), odd_a, broadcast(kB) * odd_b);
  g[2] = fma(broadcast(kA2), even_a, fma(broadcast(kB2), even_b, p[5]));
}

/// How much is held at once: so many tiles' transforms, and the sums of so many filters, each about 8 MB at most. The
/// sums do not depend on it: they are chains over the tiles, continued from block to block.
struct Held {
  int64_t tiles, filters, x_stride, dy_stride, sum_stride;
  explicit Held(const Problem& g) {
    constexpr int64_t kFloats = int64_t{2} << 20;
    const int64_t per_filter = kPoints * g.c, all = Tiles<Stride1>(g).count;
    filters = kFloats / per_filter / kLanes * kLanes;
    filters = filters < kLanes ? kLanes : filters > g.k ? g.k : filters;
    tiles = kFloats / (kPoints * (g.c + filters)) / kLanes * kLanes;
    tiles = tiles < 4 * kLanes ? 4 * kLanes : tiles;
    tiles = tiles > all ? all : tiles;
    x_stride = tiles * g.c + kLanes;
    dy_stride = tiles * filters + kLanes;
    sum_stride = filters * g.c + kLanes;
  }
  int64_t floats() const { return kPoints * (x_stride + dy_stride + sum_stride); }
};

int64_t gradient_floats(const Problem& g) { return Held(g).floats() + zero_floats<Stride1>(g); }

/// e (point, ...) <- the transform of 16 channels of the output gradient's tile `tile`.
template <class T>
void gather_gradient(const Tiles<Stride1>& t, const T* dy, int64_t tile, int64_t channel, float* e, int64_t stride) {
  const int64_t image = tile / (t.down * t.across), within = tile % (t.down * t.across);
  const int64_t top = within / t.across * kOut, left = within % t.across * kOut;
  Vec half[kIn][kOut];
  for (int j = 0; j < kOut; ++j) {
    Vec d[kOut], out[kIn];
    for (int i = 0; i < kOut; ++i) {
      const T* from = dy + ((image * t.g.p + top + i) * t.g.q + left + j) * t.g.k + channel;
      d[i] = top + i < t.g.p && left + j < t.g.q ? load(from) : zero();
      __builtin_prefetch(from + kOut * t.g.k);
    }
    transform_gradient(d, out);
    for (int i = 0; i < kIn; ++i) half[i][j] = out[i];
  }
  for (int i = 0; i < kIn; ++i) {
    Vec out[kIn];
    transform_gradient(half[i], out);
    for (int j = 0; j < kIn; ++j) store(e + (i * kIn + j) * stride, out[j]);
  }
}

/// sums (kCount filters, `channels`) [+]= dy (tile, filter)^T by x (tile, channel), kWidth units of channels.
template <int kCount, int kWidth>
void add_products(int64_t tiles, const float* dy, int64_t filters, const float* x, int64_t channels, bool first,
                  float* sums) {
  Vec sum[kCount][kWidth];
#pragma GCC unroll 14
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) sum[r][j] = first ? zero() : load(sums + r * channels + j * kLanes);
  for (int64_t t = 0; t < tiles; ++t, dy += filters, x += channels) {
    Vec row[kWidth];
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) row[j] = load(x + j * kLanes);
#pragma GCC unroll 14
    for (int r = 0; r < kCount; ++r) {
      const Vec a = broadcast(dy[r]);
#pragma GCC unroll 2
      for (int j = 0; j < kWidth; ++j) sum[r][j] = fma(a, row[j], sum[r][j]);
    }
  }
#pragma GCC unroll 14
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) store(sums + r * channels + j * kLanes, sum[r][j]);
}

using AddProducts = void (*)(int64_t, const float*, int64_t, const float*, int64_t, bool, float*);

template <int kWidth, int... counts>
AddProducts add_products_for(int count, std::integer_sequence<int, counts...>) {
  static constexpr AddProducts all[] = {add_products<counts + 1, kWidth>...};
  return all[count - 1];
}

/// dw (filter, 3, 3, 16 of the channels) [+]= the taps of sums (point, ...).
inline void write_taps(const float* sums, int64_t stride, bool add, float* dw, int64_t channels) {
  Vec half[3][kIn];
  for (int j = 0; j < kIn; ++j) {
    Vec p[kIn], out[3];
    for (int i = 0; i < kIn; ++i) p[i] = load(sums + (i * kIn + j) * stride);
    transform_sums(p, out);
    for (int i = 0; i < 3; ++i) half[i][j] = out[i];
  }
  for (int i = 0; i < 3; ++i) {
    Vec out[3];
    transform_sums(half[i], out);
    for (int j = 0; j < 3; ++j) {
      float* to = dw + (i * 3 + j) * channels;
      store(to, add ? load(to) + out[j] : out[j]);
    }
  }
}

template <class T>
void filter_gradient(const Problem& g, const GradientOperands<T>& o, bool add) {
  const Tiles<Stride1> tiles(g);
  const Held held(g);
  float *const x = o.workspace, *const dy = x + kPoints * held.x_stride, *const sums = dy + kPoints * held.dy_stride;
  const T* const zeros = clear<T>(sums + kPoints * held.sum_stride, kIn * g.c);
  constexpr std::make_integer_sequence<int, kRows> counts;
#pragma omp parallel
  for (int64_t k = 0; k < g.k; k += held.filters) {
    const int64_t filters = g.k - k < held.filters ? g.k - k : held.filters, groups = ceil_div(filters, kRows);
    for (int64_t from = 0; from < tiles.count; from += held.tiles) {
      const int64_t count = tiles.count - from < held.tiles ? tiles.count - from : held.tiles;
#pragma omp for schedule(static)
      for (int64_t t = 0; t < count; ++t) {
        transform_tile(TilePixels<Stride1, T>(tiles, o.x, zeros, from + t), 0, g.c, x + t * g.c, held.x_stride, kLanes);
        for (int64_t f = 0; f < filters; f += kLanes)
          gather_gradient(tiles, o.dy, from + t, k + f, dy + t * filters + f, held.dy_stride);
      }
#pragma omp for schedule(static) collapse(2)
      for (int point = 0; point < kPoints; ++point)
        for (int64_t group = 0; group < groups; ++group) {
          const int64_t f = filters * group / groups;
          const int many = static_cast<int>(filters * (group + 1) / groups - f);
          for (int64_t c = 0; c < g.c; c += kUnits * kLanes) {
            const AddProducts run =
                g.c - c >= kUnits * kLanes ? add_products_for<kUnits>(many, counts) : add_products_for<1>(many, counts);
            run(count, dy + point * held.dy_stride + f, filters, x + point * held.x_stride + c, g.c, from == 0,
                sums + point * held.sum_stride + f * g.c + c);
          }
        }
    }
#pragma omp for schedule(static)
    for (int64_t f = 0; f < filters; ++f)
      for (int64_t c = 0; c < g.c; c += kLanes)
        write_taps(sums + f * g.c + c, held.sum_stride, add, o.dw + (k + f) * 9 * g.c + c, g.c);
  }
}
