// Products in 16-bit integers, for activations in bf16: twice as many a second as in f32. Part of the same files as
// winograd_body.h, for processors that add products of 16-bit integers up in 32 bits.
//
// A tile's transform is held in multiples of a step of its own for every 64 channels and row of points, 1/2^14 of the
// largest magnitude there; a filter's in multiples of one for every 64 channels, point and output channel, as small as
// it may be without the sum of 64 products ever leaving 32 bits. Sums over 64 channels are exact; those of several 64
// are added up in f32. Rounding to these steps changes a result less than rounding the filters to bf16 would.

template <class S>
struct Integers {
  using Scheme = S;
  static constexpr int64_t kTogether = 64;          ///< channels summed in integers
  static constexpr int64_t kPerWord = 2;            ///< channels in a 32-bit word: c and c + 16
  static constexpr int kRowsOfInputs = S::kInputs;  ///< each with a step of its own
  static constexpr int kInputs = kRowsOfInputs * kRowsOfInputs;
  static constexpr int kSums = S::kProducts * S::kProducts;
  static constexpr float kLargest = 16383;          ///< of an input
  static constexpr float kLargestFilter = 32767;    ///< 16 bits
  static constexpr float kLargestFilters = 131000;  ///< magnitudes of 64 filters: times 2^14 it is below 2^31
  static constexpr float kVanishing = 1e-34f;       ///< magnitudes whose steps have no reciprocal count as 0

  static bool suits(int64_t inputs) { return inputs % (kPerWord * kLanes) == 0; }
  static int64_t sums(int64_t inputs) { return ceil_div(inputs, kTogether); }
  static int64_t words(int64_t inputs) { return inputs / kPerWord; }
  static int64_t end(int64_t begin, int64_t inputs) { return begin + kTogether < inputs ? begin + kTogether : inputs; }

  /// For every 64 channels their words and then a line of steps.
  static FilterLayout layout(int64_t inputs, int64_t outputs) { return {words(inputs) + sums(inputs), outputs}; }
  static void transform_filter(const FilterSource& f, int64_t unit, float* u) {
    const FilterLayout filters = layout(f.inputs(), f.outputs()), floats(kTogether, kLanes);
    for (int64_t begin = 0, line = 0; begin < f.inputs(); begin += kTogether) {
      const int64_t count = end(begin, f.inputs()) - begin;
      alignas(64) float transformed[kFilterPoints * (kTogether + 1) * kLanes];
      for (int64_t i = 0; i < count; ++i) {
        Vec g[9];
        load_taps(f, unit, begin + i, g);
        transform_nine<S>(g, floats, 0, i, transformed);
      }
      for (int point = 0; point < kFilterPoints; ++point)
        round_filters(transformed + floats.at(0, point, 0), count, u + filters.at(unit, point, line),
                      filters.width(unit / kUnits) * kLanes);
      line += words(count) + 1;
    }
  }

  /// v (input, channel / 32, row, 16 words) and then the steps (channel / 64, row of inputs, row).
  static int64_t input_stride(const Problem& g, int64_t rows) { return words(g.c) * rows + kLanes; }
  static int64_t input_floats(const Problem& g, int64_t rows) {
    return kInputs * input_stride(g, rows) + ceil_div(sums(g.c) * kRowsOfInputs * rows, kLanes) * kLanes;
  }
  static int64_t step_at(const Problem& g, int64_t sum, int row_of_inputs, int64_t held) {
    return kInputs * input_stride(g, held) + (sum * kRowsOfInputs + row_of_inputs) * held;
  }

  template <class T>
  static void gather(const Tiles<S>& t, const T* x, const T* zeros, const Place& tile, float* v, int64_t row,
                     int64_t held) {
    const Problem& g = t.g;
    const TilePixels<S, T> pixels(t, x, zeros, tile);
    for (int64_t begin = 0; begin < g.c; begin += kTogether) {
      const int64_t count = end(begin, g.c) - begin;
      alignas(64) float transformed[kInputs * kTogether];
      transform_tile(pixels, begin, begin + count, transformed, kTogether, kLanes);
      for (int i = 0; i < kRowsOfInputs; ++i)
        v[step_at(g, begin / kTogether, i, held) + row] =
            round_row(transformed + i * kRowsOfInputs * kTogether, count,
                      v + i * kRowsOfInputs * input_stride(g, held) + (words(begin) / kLanes * held + row) * kLanes,
                      input_stride(g, held), held * kLanes);
    }
  }

  static void products(const Problem& g, const Part& part, const float* u, const float* v, int64_t first, int64_t rows,
                       int64_t held, float* m) {
    const FilterLayout filters = layout(g.c, g.k);
    const int64_t stride = input_stride(g, held);
    each_product<S>(filters, part, rows, m, [&](const Terms& terms, int64_t pass, int64_t r, int count, float* to) {
      Product p = {.factors = {.count = terms.count},
                   .block = held * kLanes,
                   .channels = g.c,
                   .next_steps = kRowsOfInputs * held,
                   .m = to,
                   .stride = product_stride<S>(part.units)};
      for (int t = 0; t < terms.count; ++t) {
        const Term& term = terms.term[t];
        p.factors.v[t] = v + term.input * stride + (first + r) * kLanes;
        p.factors.u[t] = u + filters.start(pass, term.filter);
        p.steps[t] = v + step_at(g, 0, term.input / kRowsOfInputs, held) + first + r;
      }
      filters.width(pass) == kUnits ? integers_for<kUnits>(count, kCounts<kUnits>)(p)
                                    : integers_for<1>(count, kCounts<1>)(p);
    });
  }

 private:
  /// Words (count / 2) <- 16 lanes of filters (count), and the step of each lane after them.
  static void round_filters(const float* from, int64_t count, float* to, int64_t stride) {
    Vec sum = zero(), largest = zero();
    for (int64_t i = 0; i < count; ++i) {
      const Vec a = magnitude(load(from + i * kLanes));
      sum = sum + a;
      largest = larger(largest, a);
    }
    const Vec step = larger(sum * broadcast(1 / kLargestFilters), largest * broadcast(1 / kLargestFilter));
    const Vec inverse = reciprocal_above(step, kVanishing);
    for (int64_t i = 0; i < count; i += 2 * kLanes)
      for (int64_t lane = 0; lane < kLanes; ++lane, to += stride)
        store_words(
            to, pack(load(from + (i + lane) * kLanes) * inverse, load(from + (i + kLanes + lane) * kLanes) * inverse));
    store(to, step);
  }

  /// A row of inputs of `count` channels, from (input, kTogether); returns the step. NaN where anything is not finite.
  static float round_row(const float* from, int64_t count, float* to, int64_t stride, int64_t block) {
    Bits largest = no_bits();
    for (int j = 0; j < kRowsOfInputs; ++j)
      for (int64_t c = 0; c < count; c += kLanes) largest = larger_magnitude(largest, from + j * kTogether + c);
    const float peak = largest_of(largest);
    const bool finite = peak <= 3.4028235e38f, present = peak >= kVanishing;
    const Vec inverse = broadcast(finite && present ? kLargest / peak : 0);
    for (int j = 0; j < kRowsOfInputs; ++j)
      for (int64_t c = 0; c < count; c += 2 * kLanes) {
        const float* const a = from + j * kTogether + c;
        store_words(to + j * stride + c / (2 * kLanes) * block, pack(load(a) * inverse, load(a + kLanes) * inverse));
      }
    return finite ? (present ? peak / kLargest : 0) : __builtin_nanf("");
  }

  struct Product {
    Factors factors;
    int64_t block, channels;
    const float* steps[4];  ///< of every factor's v
    int64_t next_steps;
    float* m;
    int64_t stride;
  };

  /// m [+]= the sums times the steps of their filters and inputs.
  template <int kCount, int kWidth, bool kAdd>
  static void add_sums(const Bits (&sum)[kCount][kWidth], const float* filter_steps, const float* steps,
                       const Product& p) {
#pragma GCC unroll 28
    for (int r = 0; r < kCount; ++r) {
      const Vec scale = broadcast(steps[r]);
#pragma GCC unroll 2
      for (int j = 0; j < kWidth; ++j) {
        float* const to = p.m + r * p.stride + j * kSums * kLanes;
        const Vec value = to_float(sum[r][j]) * load(filter_steps + j * kLanes);
        store(to, kAdd ? fma(value, scale, load(to)) : value * scale);
      }
    }
  }

  template <int kCount, int kWidth>
  static void multiply_integers(const Product& p) {
    for (int f = 0; f < p.factors.count; ++f) {
      const float *v = p.factors.v[f], *u = p.factors.u[f], *steps = p.steps[f];
      for (int64_t begin = 0; begin < p.channels; begin += kTogether, steps += p.next_steps) {
        Bits sum[kCount][kWidth];
#pragma GCC unroll 28
        for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
          for (int j = 0; j < kWidth; ++j) sum[r][j] = no_bits();
        for (int64_t c = begin; c < end(begin, p.channels); c += kPerWord * kLanes, v += p.block)
#pragma GCC unroll 4
          for (int lane = 0; lane < kLanes; ++lane, u += kWidth * kLanes) {
            Bits filter[kWidth];
#pragma GCC unroll 2
            for (int j = 0; j < kWidth; ++j) filter[j] = load_words(u + j * kLanes);
#pragma GCC unroll 28
            for (int r = 0; r < kCount; ++r) {
              const Bits a = broadcast_word(v + r * kLanes + lane);
#pragma GCC unroll 2
              for (int j = 0; j < kWidth; ++j) sum[r][j] = add_products_of_halves(sum[r][j], a, filter[j]);
            }
          }
        f == 0 && begin == 0 ? add_sums<kCount, kWidth, false>(sum, u, steps, p)
                             : add_sums<kCount, kWidth, true>(sum, u, steps, p);
        u += kWidth * kLanes;
      }
    }
  }

  using MultiplyIntegers = void (*)(const Product&);

  template <int kWidth, int... counts>
  static MultiplyIntegers integers_for(int count, std::integer_sequence<int, counts...>) {
    static constexpr MultiplyIntegers all[] = {multiply_integers<counts + 1, kWidth>...};
    return all[count - 1];
  }
};

/// In integers where the channels come in pairs of 16, else in f32.
template <class S>
struct IntegersOrFloats {
  using InIntegers = Integers<S>;
  using InFloats = Floats<S>;
  static int64_t filter_floats(int64_t inputs, int64_t outputs) {
    return InIntegers::suits(inputs) ? InIntegers::layout(inputs, outputs).floats()
                                     : InFloats::layout(inputs, outputs).floats();
  }
  static void transform_filter(const FilterSource& f, int64_t unit, float* u) {
    InIntegers::suits(f.inputs()) ? InIntegers::transform_filter(f, unit, u) : InFloats::transform_filter(f, unit, u);
  }
  static int64_t workspace(const Problem& g, const Cut& cut, int threads) {
    return InIntegers::suits(g.c) ? workspace_floats<InIntegers>(g, cut, threads)
                                  : workspace_floats<InFloats>(g, cut, threads);
  }
  static void run_half(const Problem& g, const Cut& cut, const Operands<Half>& o, bool relu) {
    InIntegers::suits(g.c) ? run<InIntegers>(g, cut, o, relu) : run<InFloats>(g, cut, o, relu);
  }
  static constexpr Steps<Half> steps() {
    return {.filter_floats = filter_floats,
            .filter_units = [](int64_t, int64_t outputs) { return FilterLayout(0, outputs).units; },
            .transform_filter = transform_filter,
            .workspace_floats = workspace,
            .run = run_half};
  }
};
