#pragma once
// Products of bf16 activations as dot products of 16-bit integers: twice as many a second as in f32.
//
// Transformed inputs are quantised to 15 bits (magnitudes up to 16383) with one scale for each tile, row of points and
// 64 channels: the largest magnitude there / 16383. Transformed filters are quantised to 16 bits with one scale for
// each point, output channel and 64 input channels, the smallest for which a dot product over 64 channels cannot
// overflow 32 bits. The dot product over 64 channels is exact; scaled by both scales, those of several 64 channels are
// accumulated in f32. Quantisation changes a result less than rounding the filters to bf16 would. Where a transformed
// input is not finite, its scale is NaN, and so are the results.
#include "kernels/runtime/vec_avx512.h"
#include "kernels/winograd/convolution.h"

namespace temper::winograd {

/// 16 words of 32 bits, each two int16 or one sum.
template <class File>
struct Words {
  using Vec = VecAvx512<File>;
  __m512i v;

  static Words zero() { return {_mm512_setzero_si512()}; }
  static Words load(const float* p) { return {_mm512_loadu_si512(p)}; }
  static Words broadcast(const float* p) { return {_mm512_castps_si512(_mm512_set1_ps(*p))}; }
  friend void store(float* p, Words a) { _mm512_storeu_si512(p, a.v); }

  /// sum + the dot products of the pairs in a and b.
  /// In assembly because GCC 12 takes the sums of its intrinsic through memory.
  static Words add_dot_products(Words sum, Words a, Words b) {
    asm("vpdpwssd %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "v"(b.v));
    return sum;
  }
  static Vec to_float(Words a) { return {_mm512_cvtepi32_ps(a.v)}; }
  /// Pairs of both, rounded to the nearest even integer, `low` in the lower halves.
  static Words rounded_pairs(Vec low, Vec high) {
    const __m512i a = _mm512_cvtps_epi32(low.v), b = _mm512_cvtps_epi32(high.v);
    return {_mm512_mask_blend_epi16(0xaaaaaaaau, a, _mm512_slli_epi32(b, 16))};
  }
  /// The larger of a and the magnitudes of the floats at p, as bits: compared as integers, a NaN is larger than
  /// everything.
  static Words larger_magnitude(Words a, const float* p) {
    const __m512i bits = _mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(0x7fffffff));
    return {_mm512_max_epu32(a.v, bits)};
  }
  static float largest(Words a) {
    const uint32_t bits = _mm512_reduce_max_epu32(a.v);
    float f;
    __builtin_memcpy(&f, &bits, sizeof f);
    return f;
  }
};

template <class File>
VecAvx512<File> magnitude(VecAvx512<File> a) {
  return {_mm512_abs_ps(a.v)};
}
template <class File>
VecAvx512<File> larger(VecAvx512<File> a, VecAvx512<File> b) {
  return {VecAvx512<File>::larger(a.v, b.v)};
}
/// 1 / a, or 0 where a is not above `least`.
template <class File>
VecAvx512<File> reciprocal_above(VecAvx512<File> a, float least) {
  return {_mm512_maskz_div_ps(_mm512_cmp_ps_mask(a.v, _mm512_set1_ps(least), _CMP_GT_OQ), _mm512_set1_ps(1), a.v)};
}

/// An arithmetic, like F32, for the vector type of F, VecAvx512<File>.
template <class F, class File>
struct Int16 {
  using Transform = F;
  using Vec = typename F::Vec;
  using Words = winograd::Words<File>;
  static constexpr int64_t kSummed = 64;         ///< channels that share a scale and are summed in integers
  static constexpr int64_t kPerWord = 2;         ///< channels in a 32-bit word: c and c + 16
  static constexpr int kScaleRows = F::kInputs;  ///< rows of points, each with its own scale
  static constexpr int kInputs = kScaleRows * kScaleRows;
  static constexpr int kSums = F::kProducts * F::kProducts;
  static constexpr float kLargest = 16383;          ///< of an input
  static constexpr float kLargestFilter = 32767;    ///< 16 bits
  static constexpr float kLargestFilters = 131000;  ///< magnitudes of 64 filters: times 2^14 it is below 2^31
  static constexpr float kVanishing = 1e-34f;       ///< magnitudes whose scales have no reciprocal count as 0

  static bool suits(int64_t inputs) { return inputs % (kPerWord * kLanes) == 0; }
  static int64_t sums(int64_t inputs) { return ceil_div(inputs, kSummed); }
  static int64_t words(int64_t inputs) { return inputs / kPerWord; }
  static int64_t end(int64_t begin, int64_t inputs) { return begin + kSummed < inputs ? begin + kSummed : inputs; }

  /// For every 64 channels their words and then a line of scales.
  static FilterLayout<Vec> layout(int64_t inputs, int64_t outputs) { return {words(inputs) + sums(inputs), outputs}; }
  static void transform_filter(const FilterSource& f, int64_t unit, float* u) {
    const FilterLayout<Vec> filters = layout(f.inputs(), f.outputs()), floats(kSummed, kLanes);
    for (int64_t begin = 0, line = 0; begin < f.inputs(); begin += kSummed) {
      const int64_t count = end(begin, f.inputs()) - begin;
      alignas(64) float transformed[kFilterPoints * (kSummed + 1) * kLanes];
      for (int64_t i = 0; i < count; ++i) {
        Vec g[9];
        load_taps(f, unit, begin + i, g);
        transform_filter_taps<F>(g, floats, 0, i, transformed);
      }
      for (int point = 0; point < kFilterPoints; ++point)
        quantise_filters(transformed + floats.at(0, point, 0), count, u + filters.at(unit, point, line),
                         filters.width(unit / Vec::kUnits) * kLanes);
      line += words(count) + 1;
    }
  }

  /// v (input, channel / 32, row, 16 words) and then the scales (channel / 64, row of inputs, row).
  static int64_t input_stride(const ConvProblem& g, int64_t rows) { return words(g.c) * rows + kLanes; }
  static int64_t input_floats(const ConvProblem& g, int64_t rows) {
    return kInputs * input_stride(g, rows) + ceil_div(sums(g.c) * kScaleRows * rows, kLanes) * kLanes;
  }
  static int64_t scale_at(const ConvProblem& g, int64_t sum, int row_of_inputs, int64_t held) {
    return kInputs * input_stride(g, held) + (sum * kScaleRows + row_of_inputs) * held;
  }

  template <class T>
  static void transform(const Tiles<F>& t, const T* x, const T* zeros, const TileCoord& tile, float* v, int64_t row,
                        int64_t held) {
    const ConvProblem& g = t.g;
    const InputTile<F, T> pixels(t, x, zeros, tile);
    for (int64_t begin = 0; begin < g.c; begin += kSummed) {
      const int64_t count = end(begin, g.c) - begin;
      alignas(64) float transformed[kInputs * kSummed];
      transform_tile(pixels, begin, begin + count, transformed, kSummed, kLanes);
      for (int i = 0; i < kScaleRows; ++i)
        v[scale_at(g, begin / kSummed, i, held) + row] =
            quantise_row(transformed + i * kScaleRows * kSummed, count,
                         v + i * kScaleRows * input_stride(g, held) + (words(begin) / kLanes * held + row) * kLanes,
                         input_stride(g, held), held * kLanes);
    }
  }

  static void products(const ConvProblem& g, const ChannelRange<Vec>& range, const float* u, const float* v,
                       int64_t first, int64_t rows, int64_t held, float* m) {
    const FilterLayout<Vec> filters = layout(g.c, g.k);
    const int64_t stride = input_stride(g, held);
    each_product<F>(
        filters, range, rows, m, [&](const ProductTerms& terms, int64_t pass, int64_t r, int count, float* to) {
          Product p = {.factors = {.count = terms.count},
                       .block = held * kLanes,
                       .channels = g.c,
                       .next_scales = kScaleRows * held,
                       .m = to,
                       .stride = product_stride<F>(range.units)};
          for (int t = 0; t < terms.count; ++t) {
            const ProductTerm& term = terms.term[t];
            p.factors.v[t] = v + term.input * stride + (first + r) * kLanes;
            p.factors.u[t] = u + filters.start(pass, term.filter);
            p.scales[t] = v + scale_at(g, 0, term.input / kScaleRows, held) + first + r;
          }
          filters.width(pass) == Vec::kUnits ? multiply_for<Vec::kUnits>(count, kCounts<Vec, Vec::kUnits>)(p)
                                             : multiply_for<1>(count, kCounts<Vec, 1>)(p);
        });
  }

 private:
  /// Words (count / 2) <- 16 lanes of filters (count), and the scale of each lane after them.
  static void quantise_filters(const float* from, int64_t count, float* to, int64_t stride) {
    Vec sum = Vec::zero(), largest = Vec::zero();
    for (int64_t i = 0; i < count; ++i) {
      const Vec a = magnitude(Vec::load(from + i * kLanes));
      sum = sum + a;
      largest = larger(largest, a);
    }
    const Vec scale = larger(sum * Vec::broadcast(1 / kLargestFilters), largest * Vec::broadcast(1 / kLargestFilter));
    const Vec inverse = reciprocal_above(scale, kVanishing);
    for (int64_t i = 0; i < count; i += 2 * kLanes)
      for (int64_t lane = 0; lane < kLanes; ++lane, to += stride)
        store(to, Words::rounded_pairs(Vec::load(from + (i + lane) * kLanes) * inverse,
                                       Vec::load(from + (i + kLanes + lane) * kLanes) * inverse));
    store(to, scale);
  }

  /// A row of inputs of `count` channels, from (input, kSummed); returns the scale: NaN where anything is not finite.
  static float quantise_row(const float* from, int64_t count, float* to, int64_t stride, int64_t block) {
    Words largest = Words::zero();
    for (int j = 0; j < kScaleRows; ++j)
      for (int64_t c = 0; c < count; c += kLanes) largest = Words::larger_magnitude(largest, from + j * kSummed + c);
    const float peak = Words::largest(largest);
    const bool finite = peak <= 3.4028235e38f, present = peak >= kVanishing;
    const Vec inverse = Vec::broadcast(finite && present ? kLargest / peak : 0);
    for (int j = 0; j < kScaleRows; ++j)
      for (int64_t c = 0; c < count; c += 2 * kLanes) {
        const float* const a = from + j * kSummed + c;
        store(to + j * stride + c / (2 * kLanes) * block,
              Words::rounded_pairs(Vec::load(a) * inverse, Vec::load(a + kLanes) * inverse));
      }
    return finite ? (present ? peak / kLargest : 0) : __builtin_nanf("");
  }

  struct Product {
    Factors factors;
    int64_t block, channels;
    const float* scales[4];  ///< of every factor's v
    int64_t next_scales;
    float* m;
    int64_t stride;
  };

  /// m [+]= the sums times the scales of their filters and inputs.
  template <int kCount, int kWidth, bool kAdd>
  static void add_sums(const Words (&sum)[kCount][kWidth], const float* filter_scales, const float* scales,
                       const Product& p) {
#pragma GCC unroll 28
    for (int r = 0; r < kCount; ++r) {
      const Vec scale = Vec::broadcast(scales[r]);
#pragma GCC unroll 2
      for (int j = 0; j < kWidth; ++j) {
        float* const to = p.m + r * p.stride + j * kSums * kLanes;
        const Vec value = Words::to_float(sum[r][j]) * Vec::load(filter_scales + j * kLanes);
        store(to, kAdd ? fma(value, scale, Vec::load(to)) : value * scale);
      }
    }
  }

  template <int kCount, int kWidth>
  static void multiply(const Product& p) {
    for (int f = 0; f < p.factors.count; ++f) {
      const float *v = p.factors.v[f], *u = p.factors.u[f], *scales = p.scales[f];
      for (int64_t begin = 0; begin < p.channels; begin += kSummed, scales += p.next_scales) {
        Words sum[kCount][kWidth];
#pragma GCC unroll 28
        for (int r = 0; r < kCount; ++r)
#pragma GCC unroll 2
          for (int j = 0; j < kWidth; ++j) sum[r][j] = Words::zero();
        for (int64_t c = begin; c < end(begin, p.channels); c += kPerWord * kLanes, v += p.block)
#pragma GCC unroll 4
          for (int lane = 0; lane < kLanes; ++lane, u += kWidth * kLanes) {
            Words filter[kWidth];
#pragma GCC unroll 2
            for (int j = 0; j < kWidth; ++j) filter[j] = Words::load(u + j * kLanes);
#pragma GCC unroll 28
            for (int r = 0; r < kCount; ++r) {
              const Words a = Words::broadcast(v + r * kLanes + lane);
#pragma GCC unroll 2
              for (int j = 0; j < kWidth; ++j) sum[r][j] = Words::add_dot_products(sum[r][j], a, filter[j]);
            }
          }
        f == 0 && begin == 0 ? add_sums<kCount, kWidth, false>(sum, u, scales, p)
                             : add_sums<kCount, kWidth, true>(sum, u, scales, p);
        u += kWidth * kLanes;
      }
    }
  }

  using Multiply = void (*)(const Product&);

  template <int kWidth, int... counts>
  static Multiply multiply_for(int count, std::integer_sequence<int, counts...>) {
    static constexpr Multiply all[] = {multiply<counts + 1, kWidth>...};
    return all[count - 1];
  }
};

/// In integers where the channels come in pairs of 16, else in f32.
template <class F, class File>
struct Int16OrF32 {
  using InInt16 = Int16<F, File>;
  using InF32 = F32<F>;
  static int64_t filter_floats(int64_t inputs, int64_t outputs) {
    return InInt16::suits(inputs) ? InInt16::layout(inputs, outputs).floats() : InF32::layout(inputs, outputs).floats();
  }
  static void transform_filter(const FilterSource& f, int64_t unit, float* u) {
    InInt16::suits(f.inputs()) ? InInt16::transform_filter(f, unit, u) : InF32::transform_filter(f, unit, u);
  }
  static int64_t workspace(const ConvProblem& g, const Tiling& tiling, int threads) {
    return InInt16::suits(g.c) ? workspace_floats<InInt16>(g, tiling, threads)
                               : workspace_floats<InF32>(g, tiling, threads);
  }
  static void run_bf16(Stream stream, const ConvProblem& g, const Tiling& tiling, const ConvOperands<bfloat16>& o) {
    InInt16::suits(g.c) ? run<InInt16>(stream, g, tiling, o) : run<InF32>(stream, g, tiling, o);
  }
  static constexpr void set(conv3x3::ConvKernel<bfloat16>& kernel) {
    kernel.filter_floats = filter_floats;
    kernel.transform_filter = transform_filter;
    kernel.workspace_floats = workspace;
    kernel.run = run_bf16;
  }
};

}  // namespace temper::winograd
