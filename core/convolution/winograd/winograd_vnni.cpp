#if defined(__AVX512VNNI__) && defined(__AVX512BF16__)
#include <immintrin.h>

#include "core/convolution/winograd/winograd_kernels.h"

namespace temper::winograd {

namespace {

#include "core/convolution/winograd/winograd_avx512.h"

/// Rounded to nearest even; a NaN stays one; what is too small for a normal number is 0.
inline void store(Half* p, Vec a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a.v)));
}

/// 16 words of 32 bits.
struct Bits {
  __m512i v;
};
inline Bits no_bits() { return {_mm512_setzero_si512()}; }
inline Bits load_words(const float* p) { return {_mm512_loadu_si512(p)}; }
inline void store_words(float* p, Bits a) { _mm512_storeu_si512(p, a.v); }
inline Bits broadcast_word(const float* p) { return {_mm512_castps_si512(_mm512_set1_ps(*p))}; }
/// sum + the products of both halves of a and b.
/// In assembly because GCC 12 takes the sums of its intrinsic through memory.
inline Bits add_products_of_halves(Bits sum, Bits a, Bits b) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "v"(b.v));
  return sum;
}
inline Vec to_float(Bits a) { return {_mm512_cvtepi32_ps(a.v)}; }
/// Both rounded to nearest even, `low` in the lower halves of the words.
inline Bits pack(Vec low, Vec high) {
  const __m512i a = _mm512_cvtps_epi32(low.v), b = _mm512_cvtps_epi32(high.v);
  return {_mm512_mask_blend_epi16(0xaaaaaaaau, a, _mm512_slli_epi32(b, 16))};
}
// Compared as integers, so that a NaN is larger than everything.
inline Bits larger_magnitude(Bits a, const float* p) {
  const __m512i bits = _mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(0x7fffffff));
  return {_mm512_max_epu32(a.v, bits)};
}
inline float largest_of(Bits a) {
  const uint32_t bits = _mm512_reduce_max_epu32(a.v);
  float f;
  __builtin_memcpy(&f, &bits, sizeof f);
  return f;
}
inline Vec magnitude(Vec a) { return {_mm512_abs_ps(a.v)}; }
inline Vec larger(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
/// 1 / a, or 0 where a is not above `least`.
inline Vec reciprocal_above(Vec a, float least) {
  return {_mm512_maskz_div_ps(_mm512_cmp_ps_mask(a.v, _mm512_set1_ps(least), _CMP_GT_OQ), _mm512_set1_ps(1), a.v)};
}

#include "core/convolution/winograd/winograd_body.h"
#include "core/convolution/winograd/winograd_gradient.h"
#include "core/convolution/winograd/winograd_integer.h"

#include "core/convolution/winograd/first_layer.h"

#include "core/convolution/winograd/winograd_table.h"

constexpr Kernels with_integers(Kernels k) {
  k.stride1.halves = IntegersOrFloats<Stride1>::steps();
  k.stride2.halves = IntegersOrFloats<Stride2>::steps();
  k.stride2_data.halves = IntegersOrFloats<Stride2Data>::steps();
  return k;
}

}  // namespace

const Kernels kVnni = with_integers(kernels());

}  // namespace temper::winograd
#endif
