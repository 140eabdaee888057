#include "bench/primitives_onednn.h"

#include <string_view>

namespace temper::bench::onednn {

namespace {

using dnnl::algorithm;
using dnnl::engine;
using dnnl::prop_kind;
using Dims = dnnl::memory::dims;

void append_scale(dnnl::post_ops& post, float factor) {
  if (factor == 1) return;
#if DNNL_VERSION_MAJOR >= 3
  post.append_eltwise(algorithm::eltwise_linear, factor, 0.f);
#else
  post.append_eltwise(1.f, algorithm::eltwise_linear, factor, 0.f);
#endif
}

dnnl::primitive_attr with_post_ops(float factor, float beta) {
  dnnl::post_ops post;
  append_scale(post, factor);
  if (beta != 0) post.append_sum(beta);
  dnnl::primitive_attr attr;
  attr.set_post_ops(post);
  return attr;
}

/// The primitive of a description, if it is not the reference.
template <class P>
dnnl::primitive made(const typename P::primitive_desc& desc) {
  if (std::string_view(desc.impl_info_str()).find("ref") != std::string_view::npos)
    throw dnnl::error(dnnl_unimplemented, "there is only a reference");
  return P(desc);
}

constexpr auto kAverage = algorithm::pooling_avg_exclude_padding;

#if DNNL_VERSION_MAJOR >= 3
Dims pixels(const Desc& image) { return {image.get_dims()[2], image.get_dims()[3]}; }
dnnl::pooling_forward::primitive_desc average_desc(const engine& e, const Desc& x, const Desc& y) {
  const Dims all = pixels(x), none = {0, 0};
  return {e, prop_kind::forward_training, kAverage, x, y, all, all, none, none, none};
}
dnnl::eltwise_forward::primitive_desc eltwise_desc(const engine& e, algorithm a, const Desc& x, float alpha) {
  return {e, prop_kind::forward_training, a, x, x, alpha, 0.f};
}
dnnl::batch_normalization_forward::primitive_desc batch_norm_desc(const engine& e, prop_kind kind, const Desc& x,
                                                                  float eps, dnnl::normalization_flags flags) {
  return {e, kind, x, x, eps, flags};
}
dnnl::softmax_forward::primitive_desc softmax_desc(const engine& e, const Desc& x) {
  return {e, prop_kind::forward_training, algorithm::softmax_log, x, x, 1};
}
#else
Dims pixels(const Desc& image) { return {image.dims()[2], image.dims()[3]}; }
dnnl::pooling_forward::primitive_desc average_desc(const engine& e, const Desc& x, const Desc& y) {
  const Dims all = pixels(x), none = {0, 0};
  return {{prop_kind::forward_training, kAverage, x, y, all, all, none, none}, e};
}
dnnl::eltwise_forward::primitive_desc eltwise_desc(const engine& e, algorithm a, const Desc& x, float alpha) {
  return {{prop_kind::forward_training, a, x, alpha, 0.f}, e};
}
dnnl::batch_normalization_forward::primitive_desc batch_norm_desc(const engine& e, prop_kind kind, const Desc& x,
                                                                  float eps, dnnl::normalization_flags flags) {
  return {{kind, x, eps, flags}, e};
}
dnnl::logsoftmax_forward::primitive_desc softmax_desc(const engine& e, const Desc& x) {
  return {{prop_kind::forward_training, x, 1}, e};
}
#endif

constexpr auto kReluFromOutput = algorithm::eltwise_relu_use_dst_for_bwd;
const auto kScaleShift = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;

}  // namespace

dnnl::primitive eltwise(const engine& e, algorithm a, const Desc& x, float alpha) {
  return made<dnnl::eltwise_forward>(eltwise_desc(e, a, x, alpha));
}

dnnl::primitive relu_gradient(const engine& e, const Desc& x) {
  const auto hint = eltwise_desc(e, kReluFromOutput, x, 0);
#if DNNL_VERSION_MAJOR >= 3
  return made<dnnl::eltwise_backward>({e, kReluFromOutput, x, x, x, 0.f, 0.f, hint});
#else
  return made<dnnl::eltwise_backward>({{kReluFromOutput, x, x, 0.f, 0.f}, e, hint});
#endif
}

dnnl::primitive sum(const engine& e, const std::vector<float>& factors, const std::vector<Desc>& x, const Desc& y) {
#if DNNL_VERSION_MAJOR >= 3
  return made<dnnl::sum>({e, y, factors, x});
#else
  return made<dnnl::sum>({y, factors, x, e});
#endif
}

dnnl::primitive binary(const engine& e, const Binary& op) {
  const dnnl::primitive_attr attr = with_post_ops(op.factor, 0);
#if DNNL_VERSION_MAJOR >= 3
  return made<dnnl::binary>({e, op.algorithm, op.a, op.b, op.y, attr});
#else
  return made<dnnl::binary>({{op.algorithm, op.a, op.b, op.y}, attr, e});
#endif
}

dnnl::primitive product(const engine& e, const Product& op) {
  const dnnl::primitive_attr attr = with_post_ops(op.factor, op.beta);
#if DNNL_VERSION_MAJOR >= 3
  return made<dnnl::matmul>({e, op.a, op.b, op.y, attr});
#else
  return made<dnnl::matmul>({{op.a, op.b, op.y}, attr, e});
#endif
}

dnnl::primitive average(const engine& e, const Desc& x, const Desc& y) {
  return made<dnnl::pooling_forward>(average_desc(e, x, y));
}

dnnl::primitive average_gradient(const engine& e, const Desc& dx, const Desc& dy) {
  const auto hint = average_desc(e, dx, dy);
  const Dims all = pixels(dx), none = {0, 0};
#if DNNL_VERSION_MAJOR >= 3
  return made<dnnl::pooling_backward>({e, kAverage, dx, dy, all, all, none, none, none, hint});
#else
  return made<dnnl::pooling_backward>({{kAverage, dx, dy, all, all, none, none}, e, hint});
#endif
}

dnnl::primitive batch_norm_forward(const engine& e, const Desc& x, float eps, dnnl::normalization_flags flags) {
  const bool given = (flags & dnnl::normalization_flags::use_global_stats) != dnnl::normalization_flags::none;
  const auto kind = given ? prop_kind::forward_inference : prop_kind::forward_training;
  return made<dnnl::batch_normalization_forward>(batch_norm_desc(e, kind, x, eps, flags));
}

dnnl::primitive batch_norm_backward(const engine& e, const Desc& x, float eps) {
  const auto hint = batch_norm_desc(e, prop_kind::forward_training, x, eps, kScaleShift);
#if DNNL_VERSION_MAJOR >= 3
  return made<dnnl::batch_normalization_backward>({e, prop_kind::backward, x, x, x, eps, kScaleShift, hint});
#else
  return made<dnnl::batch_normalization_backward>({{prop_kind::backward, x, x, eps, kScaleShift}, e, hint});
#endif
}

dnnl::primitive log_softmax(const engine& e, const Desc& x) {
#if DNNL_VERSION_MAJOR >= 3
  return made<dnnl::softmax_forward>(softmax_desc(e, x));
#else
  return made<dnnl::logsoftmax_forward>(softmax_desc(e, x));
#endif
}

dnnl::primitive log_softmax_gradient(const engine& e, const Desc& x) {
  const auto hint = softmax_desc(e, x);
#if DNNL_VERSION_MAJOR >= 3
  return made<dnnl::softmax_backward>({e, algorithm::softmax_log, x, x, x, 1, hint});
#else
  return made<dnnl::logsoftmax_backward>({{x, x, 1}, e, hint});
#endif
}

}  // namespace temper::bench::onednn
