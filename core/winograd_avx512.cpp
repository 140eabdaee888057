#if defined(__AVX512F__)
#include <immintrin.h>
#include <omp.h>

#include "core/winograd_kernels.h"

namespace temper::winograd {

namespace {

#include "core/winograd_avx512.h"
#include "core/winograd_body.h"
#include "core/winograd_gradient.h"
#include "core/winograd_image.h"
#include "core/winograd_table.h"

}  // namespace

const Kernels kAvx512 = kernels();

}  // namespace temper::winograd
#endif
