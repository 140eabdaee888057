// The filter gradient, the transpose of winograd_body.h's algorithm: both operands of a tile are transformed, their
// products summed over all tiles, and the sums transformed to 3x3 taps. Part of the same files.

/// What is summed for one value of the transformed filter: inputs times values of the output gradient, by their places.
struct Pair {
  int input, product;
};
struct Pairs {
  int count = 0;
  Pair pair[16] = {};
};
template <class S>
struct AllPairs {
  Pairs of[kFilterPoints] = {};
  constexpr AllPairs() {
    for (int i = 0; i < S::kTerms; ++i)
      for (int j = 0; j < S::kTerms; ++j) {
        Pairs& pairs = of[S::filter(i) * kTaps + S::filter(j)];
        pairs.pair[pairs.count++] = {S::input(i) * S::kInputs + S::input(j),
                                     S::product(i) * S::kProducts + S::product(j)};
      }
  }
};
template <class S>
constexpr AllPairs<S> kAllPairs;

/// How the work is cut, by the extents alone. Sums that fit into a core's cache: into chunks of tiles, each of which
/// one thread transforms and sums, a block at a time; the chunks' sums are added up in the end. Larger ones: all
/// threads transform a block, then each takes some of the points, for a part of the filters whose sums stay in the last
/// cache.
template <class S>
struct GradientCut {
  static constexpr int kInputs = S::kInputs * S::kInputs, kProducts = S::kProducts * S::kProducts;
  int64_t tiles, chunks = 1, block, part, x_stride, dy_stride, sum_stride;
  explicit GradientCut(const Problem& g) : tiles(Tiles<S>(g).count) {
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

template <class S>
int64_t gradient_floats(const Problem& g, int threads) {
  const GradientCut<S> cut(g);
  return cut.chunks * cut.sums() + (cut.by_chunks() ? threads : 1) * cut.transforms() + zero_floats<S>(g);
}

/// e (product, ...) <- the transform of 16 channels of the output gradient's tile `tile`.
template <class S, class T>
void gather_gradient(const Tiles<S>& t, const T* dy, const Place& tile, int64_t channel, float* e, int64_t stride) {
  const int64_t top = tile.row * S::kOut, left = tile.column * S::kOut;
  Vec half[S::kProducts][S::kOut];
#pragma GCC unroll 4
  for (int j = 0; j < S::kOut; ++j) {
    Vec d[S::kOut], out[S::kProducts];
#pragma GCC unroll 4
    for (int i = 0; i < S::kOut; ++i) {
      const T* from = dy + ((tile.image * t.g.p + top + i) * t.g.q + left + j) * t.g.k + channel;
      d[i] = top + i < t.g.p && left + j < t.g.q ? load(from) : zero();
      __builtin_prefetch(from + S::kOut * t.g.k);
    }
    S::transform_gradient(d, out);
    for (int i = 0; i < S::kProducts; ++i) half[i][j] = out[i];
  }
  for (int i = 0; i < S::kProducts; ++i) {
    Vec out[S::kProducts];
    S::transform_gradient(half[i], out);
    for (int j = 0; j < S::kProducts; ++j) store(e + (i * S::kProducts + j) * stride, out[j]);
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
template <class S>
void write_taps(const GradientCut<S>& cut, const Problem& g, const float* sums, bool add, float* dw) {
  Vec half[3][kTaps];
  for (int j = 0; j < kTaps; ++j) {
    Vec p[kTaps], out[3];
    for (int i = 0; i < kTaps; ++i) {
      const float* from = sums + (i * kTaps + j) * cut.sum_stride;
      p[i] = load(from);
      for (int64_t chunk = 1; chunk < cut.chunks; ++chunk) p[i] = p[i] + load(from += cut.sums());
    }
    S::transform_sums(p, out);
    for (int i = 0; i < 3; ++i) half[i][j] = out[i];
  }
  for (int i = 0; i < 3; ++i) {
    Vec out[3];
    S::transform_sums(half[i], out);
    for (int j = 0; j < 3; ++j) {
      float* to = dw + (i * 3 + j) * g.c;
      store(to, add ? load(to) + out[j] : out[j]);
    }
  }
}

/// A filter gradient on its way.
template <class S, class T>
struct GradientWork {
  const Problem& g;
  const GradientOperands<T>& o;
  const Tiles<S> tiles{g};
  const GradientCut<S> cut{g};
  const T* zeros = nullptr;

  /// A tile's transform becomes number t of `count` in x, or its gradient's for filters [k, k + filters) in dy.
  void transform(const Place& tile, int64_t t, int64_t count, float* x) const {
    transform_tile(TilePixels<S, T>(tiles, o.x, zeros, tile), 0, g.c, x + t * kLanes, cut.x_stride, count * kLanes);
  }
  void transform_gradient_of(const Place& tile, int64_t t, int64_t count, int64_t k, int64_t filters, float* dy) const {
    for (int64_t f = 0; f < filters; f += kLanes)
      gather_gradient(tiles, o.dy, tile, k + f, dy + f * count + t * kLanes, cut.dy_stride);
  }
  /// The sums of 16 filters from f on [+]= `count` products.
  void add(int point, int64_t f, int64_t count, const float* x, const float* dy, bool first, float* sums) const {
    const Pairs& pairs = kAllPairs<S>.of[point];
    for (int i = 0; i < pairs.count; ++i)
      add_filters(count, dy + pairs.pair[i].product * cut.dy_stride + f * count, x + pairs.pair[i].input * cut.x_stride,
                  g.c, first && i == 0, sums + point * cut.sum_stride + f * g.c);
  }

  /// dw of filters [k, k + filters) [+]= the taps of all chunks' sums.
  void write(int64_t k, int64_t filters, const float* sums, bool add) const {
    each_item(o.team, filters, [&](int64_t f, int) {
      for (int64_t c = 0; c < g.c; c += kLanes)
        write_taps(cut, g, sums + f * g.c + c, add, o.dw + (k + f) * 9 * g.c + c);
    });
  }

  void by_chunks(float* sums, float* transforms, bool add_up) const {
    each_item(o.team, cut.chunks, [&](int64_t chunk, int thread) {
      float* const x = transforms + thread * cut.transforms();
      float* const dy = x + cut.kInputs * cut.x_stride;
      const int64_t end = cut.chunk(chunk + 1);
      for (int64_t from = cut.chunk(chunk); from < end; from += cut.block) {
        const int64_t count = end - from < cut.block ? end - from : cut.block;
        tiles.each(from, count, [&](int64_t t, const Place& tile) {
          transform(tile, t, count, x);
          transform_gradient_of(tile, t, count, 0, g.k, dy);
        });
        for (int point = 0; point < kFilterPoints; ++point)
          for (int64_t f = 0; f < g.k; f += kLanes)
            add(point, f, count, x, dy, from == cut.chunk(chunk), sums + chunk * cut.sums());
      }
    });
    write(0, g.k, sums, add_up);
  }
  void by_points(float* sums, float* x, bool add_up) const {
    float* const dy = x + cut.kInputs * cut.x_stride;
    for (int64_t k = 0; k < g.k; k += cut.part) {
      const int64_t filters = g.k - k < cut.part ? g.k - k : cut.part;
      for (int64_t from = 0; from < cut.tiles; from += cut.block) {
        const int64_t count = cut.tiles - from < cut.block ? cut.tiles - from : cut.block;
        each_item(o.team, ceil_div(count, kGathered), [&](int64_t item, int) {
          const int64_t first = item * kGathered, last = first + kGathered < count ? first + kGathered : count;
          for (int64_t t = first; t < last; ++t) {
            const Place tile = tiles.place(from + t);
            if (k == 0 || count < cut.tiles) transform(tile, t, count, x);
            transform_gradient_of(tile, t, count, k, filters, dy);
          }
        });
        const int64_t units = filters / kLanes;
        each_item(o.team, kFilterPoints * units, [&](int64_t item, int) {
          add(static_cast<int>(item / units), item % units * kLanes, count, x, dy, from == 0, sums);
        });
      }
      write(k, filters, sums, add_up);
    }
  }
};

template <class S, class T>
void filter_gradient(const Problem& g, const GradientOperands<T>& o, bool add) {
  GradientWork<S, T> work{g, o};
  float* const sums = o.workspace + zero_floats<S>(g);
  float* const transforms = sums + work.cut.chunks * work.cut.sums();
  work.zeros = clear<T>(o.workspace, S::kIn * g.c);
  work.cut.by_chunks() ? work.by_chunks(sums, transforms, add) : work.by_points(sums, transforms, add);
}
