#include "core/cudnn/conv_plan_cudnn.h"

namespace temper::cudnn {

namespace {

using namespace conv_id;

cudnnDataType_t data_type(ConvType t) {
  if (t == ConvType::bf16) return CUDNN_DATA_BFLOAT16;
  return t == ConvType::f16 ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT;
}

Graph forward_graph(const ConvKey& key, const Extents& y, ConvGeometry geometry, Graph graph) {
  const cudnnDataType_t type = data_type(key.type);
  int steps = key.bias + key.residual + key.relu;
  const auto next = [&] { return steps-- > 0 ? graph.internal(y) : int64_t{kY}; };
  int64_t value = next();
  graph.conv_forward(kX, kW, value, geometry);
  const auto then = [&](cudnnPointwiseMode_t mode, std::optional<int64_t> operand) {
    const int64_t out = next();
    graph.pointwise(mode, value, operand, out);
    value = out;
  };
  // The order of cuDNN's pre-compiled engines: residual, bias, ReLU.
  if (key.residual) then(CUDNN_POINTWISE_ADD, graph.tensor(kResidual, y, type, key.alignment));
  if (key.bias) then(CUDNN_POINTWISE_ADD, graph.tensor(kBias, {1, y[1], 1, 1}, type, key.alignment));
  if (key.relu) then(CUDNN_POINTWISE_RELU_FWD, std::nullopt);
  if (key.statistics) {
    const Extents channels{1, y[1], 1, 1};
    graph.statistics(kY, graph.tensor(kSum, channels, CUDNN_DATA_FLOAT, key.alignment),
                     graph.tensor(kSquares, channels, CUDNN_DATA_FLOAT, key.alignment));
  }
  return graph;
}

Graph backward_data_graph(const ConvKey& key, const Extents& x, ConvGeometry geometry, Graph graph) {
  if (!key.residual && !key.mask) {
    graph.conv_backward_data(kY, kW, kX, geometry, key.accumulate ? 1.f : 0.f);
    return graph;
  }
  int64_t value = graph.internal(x);
  graph.conv_backward_data(kY, kW, value, geometry, 0.f);
  if (key.residual) {
    const int64_t sum = key.mask ? graph.internal(x) : int64_t{kX};
    graph.pointwise(CUDNN_POINTWISE_ADD, value, graph.tensor(kResidual, x, data_type(key.type), key.alignment), sum);
    value = sum;
  }
  if (key.mask) graph.relu_backward(graph.tensor(kMask, x, data_type(key.type), key.alignment), value, kX);
  return graph;
}

Graph backward_filter_graph(const ConvKey& key, const Extents& w, ConvGeometry geometry, Graph graph) {
  if (data_type(key.type) == CUDNN_DATA_FLOAT) {
    graph.conv_backward_filter(kX, kY, kW, geometry, key.accumulate ? 1.f : 0.f);
    return graph;
  }
  graph.tensor(kAccumulator, w, CUDNN_DATA_FLOAT);
  const int64_t sum = graph.internal(w);
  graph.conv_backward_filter(kX, kY, sum, geometry, 0.f);
  graph.pointwise(CUDNN_POINTWISE_ADD, sum, kAccumulator, kW);
  return graph;
}

}  // namespace

Graph conv_graph(const ConvKey& key) {
  const ConvShape& g = key.shape;
  const Extents x{g.n, g.c, g.h, g.w}, w{g.k, g.c, g.r, g.s}, y{g.n, g.k, g.p(), g.q()};
  const ConvGeometry geometry{g.stride, g.pad};
  const cudnnDataType_t type = data_type(key.type);
  Graph graph;
  graph.tensor(kX, x, type, key.alignment);
  graph.tensor(kW, w, key.pass == ConvPass::backward_filter ? CUDNN_DATA_FLOAT : type, key.alignment);
  graph.tensor(kY, y, type, key.alignment);
  switch (key.pass) {
    case ConvPass::forward: return forward_graph(key, y, geometry, std::move(graph));
    case ConvPass::backward_data: return backward_data_graph(key, x, geometry, std::move(graph));
    default: return backward_filter_graph(key, w, geometry, std::move(graph));
  }
}

Limits conv_limits(const ConvKey& key, const ConvSearch& search) {
  return {.math = key.type == ConvType::f32 ? Math::strict : Math::tensor_core,
          .workspace = search.workspace,
          .without = search.without};
}

}  // namespace temper::cudnn
