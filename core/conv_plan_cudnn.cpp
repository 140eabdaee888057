#include "core/conv_plan_cudnn.h"

namespace temper::cudnn {

std::array<int64_t, 16> ConvKey::order() const {
  const ConvShape& g = shape;
  return {g.n,
          g.h,
          g.w,
          g.c,
          g.k,
          g.r,
          g.s,
          g.stride,
          g.pad,
          static_cast<int64_t>(dtype),
          static_cast<int64_t>(pass),
          bias,
          residual,
          relu,
          accumulate,
          alignment};
}

namespace {

Graph forward_graph(const ConvKey& key, const Extents& x, const Extents& w, const Extents& y, ConvGeometry geometry) {
  Graph graph;
  graph.tensor(kX, x, key.dtype, key.alignment);
  graph.tensor(kW, w, key.dtype, key.alignment);
  graph.tensor(kY, y, key.dtype, key.alignment);
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
  if (key.residual) then(CUDNN_POINTWISE_ADD, graph.tensor(kResidual, y, key.dtype, key.alignment));
  if (key.bias) then(CUDNN_POINTWISE_ADD, graph.tensor(kBias, {1, y[1], 1, 1}, key.dtype, key.alignment));
  if (key.relu) then(CUDNN_POINTWISE_RELU_FWD, std::nullopt);
  return graph;
}

Graph backward_filter_graph(const ConvKey& key, const Extents& w, Graph graph, ConvGeometry geometry) {
  graph.tensor(kW, w, DType::f32, key.alignment);
  if (key.dtype == DType::f32) {
    graph.conv_backward_filter(kX, kY, kW, geometry, key.accumulate ? 1.f : 0.f);
    return graph;
  }
  graph.tensor(kAccumulator, w, DType::f32);
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
  if (key.pass == ConvPass::forward) return forward_graph(key, x, w, y, geometry);
  Graph graph;
  graph.tensor(kX, x, key.dtype, key.alignment);
  graph.tensor(kY, y, key.dtype, key.alignment);
  if (key.pass == ConvPass::backward_filter) return backward_filter_graph(key, w, std::move(graph), geometry);
  graph.tensor(kW, w, key.dtype, key.alignment);
  graph.conv_backward_data(kY, kW, kX, geometry, key.accumulate ? 1.f : 0.f);
  return graph;
}

Limits conv_limits(const ConvKey& key) { return {.math = key.dtype == DType::bf16 ? Math::tensor_core : Math::strict}; }

}  // namespace temper::cudnn
