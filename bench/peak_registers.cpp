#include "bench/peak_registers.h"

#include <algorithm>
#include <chrono>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace temper::bench {

namespace {

constexpr int kAccumulators = 12;  // enough to hide the latency of two multiplier ports
constexpr int64_t kRounds = 200000;

/// Sums kRounds products into each accumulator and hands the result to somebody who might look.
template <class V, class Add>
void spin(V zero, Add add) {
  V acc[kAccumulators];
  std::fill_n(acc, kAccumulators, zero);
  for (int64_t i = 0; i < kRounds; ++i)
    for (V& a : acc) a = add(a);
  for (const V& a : acc) asm volatile("" ::"m"(a));
}

/// `flops` of one add.
template <class V, class Add>
double rate(Team& team, V zero, double flops, Add add) {
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    each_item(&team, team.size(), [&](int64_t, int) { spin(zero, add); });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, flops * kAccumulators * kRounds * team.size() / seconds);
  }
  return best;
}

}  // namespace

double register_flops([[maybe_unused]] Team& team, [[maybe_unused]] DType dtype) {
#if defined(__AVX512BF16__)
  if (dtype == DType::bf16) {
    const __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(1e-3f), _mm512_set1_ps(1e-3f));
    return rate(team, _mm512_setzero_ps(), 64, [&](__m512 a) { return _mm512_dpbf16_ps(a, x, x); });
  }
#endif
#if defined(__AVX512F__)
  if (dtype == DType::f32) {
    const __m512 x = _mm512_set1_ps(1e-3f);
    return rate(team, _mm512_setzero_ps(), 32, [&](__m512 a) { return _mm512_fmadd_ps(x, x, a); });
  }
#elif defined(__AVX2__) && defined(__FMA__)
  if (dtype == DType::f32) {
    const __m256 x = _mm256_set1_ps(1e-3f);
    return rate(team, _mm256_setzero_ps(), 16, [&](__m256 a) { return _mm256_fmadd_ps(x, x, a); });
  }
#endif
  return 0;
}

}  // namespace temper::bench
