#pragma once
#include <memory>

#include "core/convolution/conv.h"
#include "core/gemm/gemm.h"

namespace temper {

struct CublasOptions {
  ConvMath math = ConvMath::f32;  ///< tf32: f32 operands are rounded to 10 bits
  Optimisations without = {};
};

/// cuBLASLt for one stream: a handle, 32 MiB of work space of its own that every call is given, and the algorithm of
/// each key met so far. An Engine makes one and hands it on in Stream::blas.
std::shared_ptr<void> make_cublas(const CublasOptions& options);

/// gemm() on CUDA. The algorithm of a key (extents, transposition, type, bias, alignment) is the first that cuBLASLt
/// proposes and that neither adds the parts of a sum in the order in which they finish nor, in f32, rounds operands:
/// every call with that key gives the same bits. Another number of rows is another key and may round differently. A
/// bias is added in the epilogue where there is an algorithm for that and it starts at a multiple of 16 bytes (unless
/// that is to be done without), by a kernel of its own elsewhere.
/// Throws Error for a stream that no Engine made, for a key first met in a captured step, and where nothing is
/// proposed.
void gemm_cublas(Stream stream, Transpose ta, Transpose tb, const Tensor& a, const Tensor& b,
                 const GemmEpilogue& epilogue, const Tensor& c);

}  // namespace temper
