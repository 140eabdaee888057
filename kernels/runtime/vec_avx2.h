#pragma once
// 16 floats in two registers of AVX2. Only for files compiled with -mavx2 -mfma; `File` is a type of the including
// file's unnamed namespace (instruction_set.h says why).
#include <immintrin.h>

#include "kernels/runtime/dtype.h"

namespace temper {

template <class File>
struct VecAvx2 {
  /// Vectors of output channels and input tiles that a product keeps in registers: 12 sums, two vectors of a filter and
  /// an input in 16 registers.
  static constexpr int kUnits = 1, kRows = 6;

  __m256 lo, hi;

  static VecAvx2 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static VecAvx2 broadcast(float s) { return {_mm256_set1_ps(s), _mm256_set1_ps(s)}; }
  static VecAvx2 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static VecAvx2 load(const bfloat16* p) { return {widen(p), widen(p + 8)}; }

  friend void store(float* p, VecAvx2 a) {
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
  }
  /// Rounded to nearest even; a NaN stays one.
  friend void store(bfloat16* p, VecAvx2 a) {
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(narrow(a.lo), narrow(a.hi)), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), packed);
  }
  friend VecAvx2 operator+(VecAvx2 a, VecAvx2 b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
  friend VecAvx2 operator-(VecAvx2 a, VecAvx2 b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
  friend VecAvx2 operator*(VecAvx2 a, VecAvx2 b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
  /// a * b + c, rounded once.
  friend VecAvx2 fma(VecAvx2 a, VecAvx2 b, VecAvx2 c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  /// a where m is above 0, else 0.
  friend VecAvx2 where_above_zero(VecAvx2 m, VecAvx2 a) {
    const __m256 none = _mm256_setzero_ps();
    return {_mm256_and_ps(_mm256_cmp_ps(m.lo, none, _CMP_GT_OQ), a.lo),
            _mm256_and_ps(_mm256_cmp_ps(m.hi, none, _CMP_GT_OQ), a.hi)};
  }
  /// The larger of a and `lowest`; a NaN in a stays one.
  friend VecAvx2 at_least(VecAvx2 lowest, VecAvx2 a) {
    return {_mm256_max_ps(lowest.lo, a.lo), _mm256_max_ps(lowest.hi, a.hi)};
  }
  /// Lane i is the sum of v[i]'s lanes: each and the one 8 after it, then 4, 2 and 1.
  static VecAvx2 sums_of_lanes(const VecAvx2 v[16]) {
    const auto quarters = [&](int i) {
      const __m256 a = _mm256_add_ps(v[i].lo, v[i].hi), b = _mm256_add_ps(v[i + 4].lo, v[i + 4].hi);
      return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    };
    const auto pairs = [&](int i) {
      const __m256 a = quarters(i), b = quarters(i + 1);
      return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
    };
    const auto eight = [&](int i) {
      const __m256 a = pairs(i), b = pairs(i + 2);
      return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
    };
    return {eight(0), eight(8)};
  }

 private:
  static __m256 widen(const bfloat16* p) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static __m256i narrow(__m256 a) {
    const __m256i u = _mm256_castps_si256(a);
    const __m256i even = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), even);
    const __m256i quiet = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
    return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
  }
};

}  // namespace temper
