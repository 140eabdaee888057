#pragma once
// Which cuDNN graph computes which convolution. Only for files compiled with CUDA.
#include "core/cudnn/graph_cudnn.h"
#include "core/plans/conv_engines.h"

namespace temper::cudnn {

/// The key's graph; its tensors have the ids of conv_id. cuDNN has no plain engine from 16-bit operands to an f32
/// gradient, so that is one with a sum behind it, which may not be in place; f32 accumulates in place.
Graph conv_graph(const ConvKey& key);
Limits conv_limits(const ConvKey& key, const ConvSearch& search = {.workspace = int64_t{256} << 20});

}  // namespace temper::cudnn
