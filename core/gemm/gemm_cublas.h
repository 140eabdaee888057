#pragma once
#include <memory>

#include "core/convolution/conv.h"
#include "core/gemm/gemm.h"

namespace temper {

struct CublasOptions {
  ConvMath math = ConvMath::f32;  ///< tf32: f32 operands are rounded to 10 bits
  Optimisations without = {};
};

/// cuBLASLt for one stream: a handle, 32 MiB of work space for every call, and the algorithm of each key used so far.
/// An Engine owns one and passes it in Stream::blas.
std::shared_ptr<void> make_cublas(const CublasOptions& options);

/// gemm() on CUDA. The algorithm of a key (extents, transposition, type, bias, alignment) is the first that cuBLASLt
/// proposes and that neither adds the parts of a sum in the order in which they finish nor, in f32, rounds operands:
/// every call with that key gives the same bits. Another number of rows is another key and may round differently. A
/// bias is added in the epilogue if there is an algorithm for that, the bias is aligned to 16 bytes, and the
/// optimisation is on; otherwise by a separate kernel. Throws Error for a stream that no Engine made, for the first use
/// of a key during a capture, and if no algorithm is proposed.
void gemm_cublas(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b,
                 const GemmEpilogue& epilogue, const Tensor& c);

}  // namespace temper
