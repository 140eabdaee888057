#pragma once
#include "core/tensor.h"

namespace temper {

enum class Transpose : uint8_t { no, yes };

/// c = beta * c + op(a) * op(b); row-major matrices of one type (f32 or f64), c is (m, n). A row of c does not depend
/// on the other rows of op(a). Eigen on the CPU, cuBLAS on CUDA.
void gemm(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b, float beta, const Tensor& c);

}  // namespace temper
