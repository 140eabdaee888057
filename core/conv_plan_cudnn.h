#pragma once
// Which cuDNN graph computes which convolution. Only for files compiled with CUDA.
#include "core/conv_key.h"
#include "core/graph_cudnn.h"

namespace temper::cudnn {

/// The ids under which a plan's tensors are bound. A data gradient reads kY and writes kX.
enum ConvTensor : int64_t { kX = 1, kW, kY, kBias, kResidual, kAccumulator, kMask, kSum, kSquares };

/// Filter gradients of 16-bit operands are summed in f32: dw = wgrad(x, dy) + accumulator, where kAccumulator may not
/// be dw itself (cuDNN has no plain engine from bf16 operands to an f32 gradient). f32 accumulates in place.
Graph conv_graph(const ConvKey& key);
Limits conv_limits(const ConvKey& key, int64_t workspace = int64_t{256} << 20);

}  // namespace temper::cudnn
