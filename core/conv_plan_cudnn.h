#pragma once
// Which cuDNN graph computes which convolution. Only for files compiled with CUDA.
#include <array>

#include "core/conv.h"
#include "core/graph_cudnn.h"

namespace temper::cudnn {

enum class ConvPass : uint8_t { forward, backward_data, backward_filter };

/// Everything a convolution's plan depends on.
struct ConvKey {
  ConvShape shape;
  DType dtype = DType::f32;  ///< of x, y, dx, dy, w, bias and residual; dw is always f32
  ConvPass pass = ConvPass::forward;
  bool bias = false, residual = false, relu = false;  ///< forward: y = [relu](conv(x, w) [+ residual] [+ bias])
  bool accumulate = false;                            ///< backward: add to what is there
  int64_t alignment = 16;                             ///< bytes, of every pointer

  std::array<int64_t, 16> order() const;
  friend bool operator<(const ConvKey& a, const ConvKey& b) { return a.order() < b.order(); }
};

/// The ids under which a plan's tensors are bound.
enum ConvTensor : int64_t { kX = 1, kW, kY, kBias, kResidual, kAccumulator };

/// bf16 filter gradients are summed in f32: dw = wgrad(x, dy) + accumulator, where kAccumulator may not be dw itself.
/// (cuDNN has no plain engine from bf16 operands to an f32 gradient.) f32 accumulates in place.
Graph conv_graph(const ConvKey& key);
Limits conv_limits(const ConvKey& key);

}  // namespace temper::cudnn
