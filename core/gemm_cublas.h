#pragma once
#include "core/gemm.h"

namespace temper {

/// cuBLAS for one stream: a handle bound to it and 32 MiB of work space of its own, so that results repeat bit for bit
/// and a captured step never allocates. An Engine makes one and hands it on in Stream::blas.
void* create_cublas(Stream stream);
void destroy_cublas(void* blas) noexcept;

/// gemm() on CUDA; f32 without TF32. Throws Error for a stream that no Engine made.
void gemm_cublas(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b, float beta,
                 const Tensor& c);

}  // namespace temper
