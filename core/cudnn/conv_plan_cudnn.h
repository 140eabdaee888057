#pragma once
// Which cuDNN graph computes which convolution. Only for files compiled with CUDA.
#include "core/cudnn/graph_cudnn.h"
#include "core/plans/conv_engines.h"

namespace temper::cudnn {

/// The graph of a key; its tensors have the ids of conv_id. cuDNN has no plain engine for an f32 filter gradient of
/// 16-bit operands, so this graph has a fused sum, which must not be in place; f32 accumulates in place.
Graph conv_graph(const ConvKey& key);
Limits conv_limits(const ConvKey& key, const ConvSearch& search = {.workspace = int64_t{256} << 20});

}  // namespace temper::cudnn
