#pragma once
// 16 floats in a register of AVX-512. Only for files compiled with -mavx512f -mavx512bw -mfma, and with -mavx512bf16
// where `File::kConvertsToBf16`. `File` is a type of the including file's unnamed namespace (instruction_set.h says
// why).
#include <immintrin.h>

#include "kernels/runtime/dtype.h"

namespace temper {

template <class File>
struct VecAvx512 {
  /// Vectors of output channels and input tiles that a product keeps in registers: 28 sums, two vectors of a filter and
  /// an input in 32 registers.
  static constexpr int kUnits = 2, kRows = 14;

  __m512 v;

  static VecAvx512 zero() { return {_mm512_setzero_ps()}; }
  static VecAvx512 broadcast(float s) { return {_mm512_set1_ps(s)}; }
  static VecAvx512 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static VecAvx512 load(const bfloat16* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
  }

  friend void store(float* p, VecAvx512 a) { _mm512_storeu_ps(p, a.v); }
  /// Rounded to nearest even; a NaN stays one. The instruction for it turns into 0 what is too small for a normal
  /// number.
  friend void store(bfloat16* p, VecAvx512 a) {
    if constexpr (File::kConvertsToBf16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a.v)));
    else
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(a.v));
  }
  friend VecAvx512 operator+(VecAvx512 a, VecAvx512 b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend VecAvx512 operator-(VecAvx512 a, VecAvx512 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend VecAvx512 operator*(VecAvx512 a, VecAvx512 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  /// a * b + c, rounded once.
  friend VecAvx512 fma(VecAvx512 a, VecAvx512 b, VecAvx512 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  /// a where m is above 0, else 0.
  friend VecAvx512 where_above_zero(VecAvx512 m, VecAvx512 a) {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(m.v, _mm512_setzero_ps(), _CMP_GT_OQ), a.v)};
  }
  /// The larger of a and `lowest`; a NaN in a stays one.
  friend VecAvx512 at_least(VecAvx512 lowest, VecAvx512 a) { return {larger(lowest.v, a.v)}; }
  /// Lane i is the sum of v[i]'s lanes: each and the one 8 after it, then 4, 2 and 1.
  static VecAvx512 sums_of_lanes(const VecAvx512 v[16]) {
    constexpr int kLow = 0x44, kHigh = 0xee, kEven = 0x88, kOdd = 0xdd;
    const auto halves = [&](int i) {
      return _mm512_add_ps(blocks<kLow>(v[i].v, v[i + 4].v), blocks<kHigh>(v[i].v, v[i + 4].v));
    };
    const auto quarters = [&](int i) {
      const __m512 a = halves(i), b = halves(i + 8);
      return _mm512_add_ps(blocks<kEven>(a, b), blocks<kOdd>(a, b));
    };
    const auto pairs = [&](int i) {
      const __m512 a = quarters(i), b = quarters(i + 1);
      return _mm512_add_ps(lanes<kLow>(a, b), lanes<kHigh>(a, b));
    };
    const __m512 a = pairs(0), b = pairs(2);
    return {_mm512_add_ps(lanes<kEven>(a, b), lanes<kOdd>(a, b))};
  }

  /// b where a or b is a NaN. With a mask because GCC 12 warns of something uninitialised in the instruction without.
  static __m512 larger(__m512 a, __m512 b) { return _mm512_maskz_max_ps(0xffff, a, b); }

 private:
  // Which parts are taken is an argument of a template: without optimisation the instructions take no other constant.
  template <int kWhich>
  static __m512 blocks(__m512 a, __m512 b) {
    return _mm512_maskz_shuffle_f32x4(0xffff, a, b, kWhich);
  }
  template <int kWhich>
  static __m512 lanes(__m512 a, __m512 b) {
    return _mm512_maskz_shuffle_ps(0xffff, a, b, kWhich);
  }
  static __m256i narrow(__m512 a) {
    const __m512i u = _mm512_castps_si512(a), one = _mm512_set1_epi32(1);
    const __m512i even = _mm512_and_si512(_mm512_srli_epi32(u, 16), one);
    const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), even);
    const __m512i quiet = _mm512_or_si512(u, _mm512_set1_epi32(0x400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_blend_epi32(nan, rounded, quiet), 16));
  }
};

}  // namespace temper
