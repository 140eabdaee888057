// Vec of the files compiled for AVX-512.

struct Vec {
  __m512 v;
};
inline Vec zero() { return {_mm512_setzero_ps()}; }
inline Vec broadcast(float s) { return {_mm512_set1_ps(s)}; }
inline Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline Vec load(const Half* p) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
}
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
/// a * b + c, rounded once.
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
/// a where m is above 0, else 0.
inline Vec where_above_zero(Vec m, Vec a) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(m.v, _mm512_setzero_ps(), _CMP_GT_OQ), a.v)};
}
/// a, but no less than `lowest`; a NaN stays one.
inline Vec at_least(Vec lowest, Vec a) { return {_mm512_max_ps(lowest.v, a.v)}; }
// Which parts are taken is an argument of a template: without optimisation the instructions take no other constant.
template <int kWhich>
__m512 blocks(__m512 a, __m512 b) {
  return _mm512_maskz_shuffle_f32x4(0xffff, a, b, kWhich);
}
template <int kWhich>
__m512 lanes(__m512 a, __m512 b) {
  return _mm512_maskz_shuffle_ps(0xffff, a, b, kWhich);
}
/// Lane i is the sum of v[i]'s lanes: each and the one 8 after it, then 4, 2 and 1.
inline Vec sums_of_lanes(const Vec v[16]) {
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

constexpr int kUnits = 2, kRows = 14;  // 28 sums, two filter vectors and an input in 32 registers
