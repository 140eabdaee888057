#pragma once
#include "core/tensor.h"

namespace temper {

enum class Transpose : uint8_t { no, yes };

/// The epilogue of a product: beta * c is added, and a bias (n) to every row.
struct GemmEpilogue {
  float beta = 0;
  Tensor bias = {};
};

/// c = beta * c + op(a) * op(b) [+ bias]; row-major matrices of one type (f32 or f64), c is (m, n). A row of c does not
/// depend on the other rows of op(a). Eigen on the CPU, cuBLASLt on CUDA (gemm_cublas.h).
void gemm(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b, const GemmEpilogue& epilogue,
          const Tensor& c);

/// Adds the bias to every row of c, if it is not fused into the product.
void add_bias(Stream stream, const Tensor& bias, const Tensor& c);

}  // namespace temper
