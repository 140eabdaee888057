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

/// How the work is cut, by the extents alone. Sums that fit into a core's cache: into chunks of tiles, each of which
/// one thread transforms and sums, a block at a time; the chunks' sums are added up in the end. Larger ones: all
/// threads transform a block, then each takes some of the points, for a part of the filters whose sums stay in the last
/// cache.
struct GradientCut {
  int64_t tiles, chunks = 1, block, part, x_stride, dy_stride, sum_stride;
  explicit GradientCut(const Problem& g) : tiles(Tiles<Stride1>(g).count) {
    constexpr int64_t kInCache = int64_t{192} << 10, kTogether = int64_t{2} << 20, kFew = 32, kMostChunks = 16;
    const int64_t sums = kPoints * g.c * g.k, tile = kPoints * (g.c + g.k);
    part = g.k;
    if (sums + kFew * tile <= kInCache) {
      block = kFew;
      chunks = ceil_div(tiles, block) < kMostChunks ? ceil_div(tiles, block) : kMostChunks;
    } else {
      part = ceil_div(ceil_div(g.k, ceil_div(sums, kTogether)), kLanes) * kLanes;
      const int64_t most = kTogether / (kPoints * (g.c + part));
      block = tiles < most ? tiles : most < kFew ? kFew : most;
    }
    x_stride = block * g.c + kLanes;
    dy_stride = block * part + kLanes;
    sum_stride = part * g.c + kLanes;
  }
  bool by_chunks() const { return chunks > 1; }
  int64_t chunk(int64_t i) const { return tiles * i / chunks; }
  int64_t sums() const { return kPoints * sum_stride; }
  int64_t transforms() const { return kPoints * (x_stride + dy_stride); }
};

int64_t gradient_floats(const Problem& g, int threads) {
  const GradientCut cut(g);
  return cut.chunks * cut.sums() + (cut.by_chunks() ? threads : 1) * cut.transforms() + zero_floats<Stride1>(g);
}

/// e (point, ...) <- the transform of 16 channels of the output gradient's tile `tile`.
template <class T>
void gather_gradient(const Tiles<Stride1>& t, const T* dy, int64_t tile, int64_t channel, float* e, int64_t stride) {
  const int64_t image = tile / (t.down * t.across), within = tile % (t.down * t.across);
  const int64_t top = within / t.across * kOut, left = within % t.across * kOut;
  Vec half[kIn][kOut];
#pragma GCC unroll 4
  for (int j = 0; j < kOut; ++j) {
    Vec d[kOut], out[kIn];
#pragma GCC unroll 4
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

/// sums (kCount filters, `channels`) [+]= dy (tile, 16)^T by x (unit at `unit`, tile, 16), kWidth units of channels.
template <int kCount, int kWidth>
void add_products(int64_t tiles, const float* dy, const float* x, int64_t unit, int64_t channels, bool first,
                  float* sums) {
  Vec sum[kCount][kWidth];
#pragma GCC unroll 16
  for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) sum[r][j] = first ? zero() : load(sums + r * channels + j * kLanes);
  for (int64_t t = 0; t < tiles; ++t, dy += kLanes, x += kLanes) {
    Vec row[kWidth];
#pragma GCC unroll 2
    for (int j = 0; j < kWidth; ++j) row[j] = load(x + j * unit);
#pragma GCC unroll 16
    for (int r = 0; r < kCount; ++r) {
      const Vec a = broadcast(dy[r]);
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
inline void add_filters(int64_t tiles, const float* dy, const float* x, int64_t channels, bool first, float* sums) {
  constexpr int kPair = kUnits == 1 ? 4 : 8, kSingle = kUnits == 1 ? 4 : 16;  // filters: as many as registers allow
  const int64_t unit = tiles * kLanes;
  int64_t c = 0;
  for (; c + kUnits * kLanes <= channels; c += kUnits * kLanes)
    for (int r = 0; r < kLanes; r += kPair)
      add_products<kPair, kUnits>(tiles, dy + r, x + c * tiles, unit, channels, first, sums + r * channels + c);
  if (c < channels)
    for (int r = 0; r < kLanes; r += kSingle)
      add_products<kSingle, 1>(tiles, dy + r, x + c * tiles, unit, channels, first, sums + r * channels + c);
}

/// dw (filter, 3, 3, 16 of the channels) [+]= the taps of the sums (point, ...) of all chunks.
inline void write_taps(const GradientCut& cut, const Problem& g, const float* sums, bool add, float* dw) {
  Vec half[3][kIn];
  for (int j = 0; j < kIn; ++j) {
    Vec p[kIn], out[3];
    for (int i = 0; i < kIn; ++i) {
      const float* from = sums + (i * kIn + j) * cut.sum_stride;
      p[i] = load(from);
      for (int64_t chunk = 1; chunk < cut.chunks; ++chunk) p[i] = p[i] + load(from += cut.sums());
    }
    transform_sums(p, out);
    for (int i = 0; i < 3; ++i) half[i][j] = out[i];
  }
  for (int i = 0; i < 3; ++i) {
    Vec out[3];
    transform_sums(half[i], out);
    for (int j = 0; j < 3; ++j) {
      float* to = dw + (i * 3 + j) * g.c;
      store(to, add ? load(to) + out[j] : out[j]);
    }
  }
}

/// A filter gradient on its way.
template <class T>
struct GradientWork {
  const Problem& g;
  const GradientOperands<T>& o;
  const Tiles<Stride1> tiles{g};
  const GradientCut cut{g};
  const T* zeros = nullptr;

  /// Tile `tile`'s transform becomes number t of `count` in x, or its gradient's for filters [k, k + filters) in dy.
  void transform(int64_t tile, int64_t t, int64_t count, float* x) const {
    transform_tile(TilePixels<Stride1, T>(tiles, o.x, zeros, tile), 0, g.c, x + t * kLanes, cut.x_stride,
                   count * kLanes);
  }
  void transform_gradient_of(int64_t tile, int64_t t, int64_t count, int64_t k, int64_t filters, float* dy) const {
    for (int64_t f = 0; f < filters; f += kLanes)
      gather_gradient(tiles, o.dy, tile, k + f, dy + f * count + t * kLanes, cut.dy_stride);
  }
  /// The sums of 16 filters from f on [+]= `count` products.
  void add(int point, int64_t f, int64_t count, const float* x, const float* dy, bool first, float* sums) const {
    add_filters(count, dy + point * cut.dy_stride + f * count, x + point * cut.x_stride, g.c, first,
                sums + point * cut.sum_stride + f * g.c);
  }

  /// dw of filters [k, k + filters) [+]= the taps of all chunks' sums.
  void write(int64_t k, int64_t filters, const float* sums, bool add) const {
#pragma omp for schedule(static)
    for (int64_t f = 0; f < filters; ++f)
      for (int64_t c = 0; c < g.c; c += kLanes)
        write_taps(cut, g, sums + f * g.c + c, add, o.dw + (k + f) * 9 * g.c + c);
  }

  void by_chunks(float* sums, float* transforms, bool add_up) const {
#pragma omp for schedule(dynamic)
    for (int64_t chunk = 0; chunk < cut.chunks; ++chunk) {
      float* const x = transforms + omp_get_thread_num() * cut.transforms();
      float* const dy = x + kPoints * cut.x_stride;
      const int64_t end = cut.chunk(chunk + 1);
      for (int64_t from = cut.chunk(chunk); from < end; from += cut.block) {
        const int64_t count = end - from < cut.block ? end - from : cut.block;
        for (int64_t t = 0; t < count; ++t) {
          transform(from + t, t, count, x);
          transform_gradient_of(from + t, t, count, 0, g.k, dy);
        }
        for (int point = 0; point < kPoints; ++point)
          for (int64_t f = 0; f < g.k; f += kLanes)
            add(point, f, count, x, dy, from == cut.chunk(chunk), sums + chunk * cut.sums());
      }
    }
    write(0, g.k, sums, add_up);
  }
  void by_points(float* sums, float* x, bool add_up) const {
    float* const dy = x + kPoints * cut.x_stride;
    for (int64_t k = 0; k < g.k; k += cut.part) {
      const int64_t filters = g.k - k < cut.part ? g.k - k : cut.part;
      for (int64_t from = 0; from < cut.tiles; from += cut.block) {
        const int64_t count = cut.tiles - from < cut.block ? cut.tiles - from : cut.block;
#pragma omp for schedule(static)
        for (int64_t t = 0; t < count; ++t) {
          if (k == 0 || count < cut.tiles) transform(from + t, t, count, x);
          transform_gradient_of(from + t, t, count, k, filters, dy);
        }
#pragma omp for schedule(static) collapse(2)
        for (int point = 0; point < kPoints; ++point)
          for (int64_t f = 0; f < filters; f += kLanes) add(point, f, count, x, dy, from == 0, sums);
      }
      write(k, filters, sums, add_up);
    }
  }
};

template <class T>
void filter_gradient(const Problem& g, const GradientOperands<T>& o, bool add) {
  GradientWork<T> work{g, o};
  float* const sums = o.workspace + zero_floats<Stride1>(g);
  float* const transforms = sums + work.cut.chunks * work.cut.sums();
  work.zeros = clear<T>(o.workspace, kIn * g.c);
#pragma omp parallel
  work.cut.by_chunks() ? work.by_chunks(sums, transforms, add) : work.by_points(sums, transforms, add);
}
