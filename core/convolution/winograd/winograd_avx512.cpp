#if defined(__AVX512F__)
#include <immintrin.h>

#include "core/convolution/winograd/winograd_kernels.h"

namespace temper::winograd {

namespace {

#include "core/convolution/winograd/winograd_avx512.h"

/// Rounded to nearest even; a NaN stays one.
inline void store(Half* p, Vec a) {
  const __m512i u = _mm512_castps_si512(a.v), one = _mm512_set1_epi32(1);
  const __m512i even = _mm512_and_si512(_mm512_srli_epi32(u, 16), one);
  const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), even);
  const __m512i quiet = _mm512_or_si512(u, _mm512_set1_epi32(0x400000));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  const __m512i bits = _mm512_srli_epi32(_mm512_mask_blend_epi32(nan, rounded, quiet), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(bits));
}
#include "core/convolution/winograd/winograd_body.h"
#include "core/convolution/winograd/winograd_gradient.h"

#include "core/convolution/winograd/first_layer.h"

#include "core/convolution/winograd/winograd_table.h"

}  // namespace

const Kernels kAvx512 = kernels();

}  // namespace temper::winograd
#endif
