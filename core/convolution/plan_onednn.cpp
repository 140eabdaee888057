#include "core/convolution/plan_onednn.h"

#include <functional>
#include <string_view>

namespace temper::onednn {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

memory::data_type data_type(DType t) { return t == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32; }

/// The geometry as oneDNN wants it.
struct Geometry {
  memory::desc x, y, w;
  memory::dims stride, low, high;
  int64_t channels, pixels, rows, cols;  ///< of y, of y, of the filter's window
};

Geometry geometry(const ConvShape& g, DType dtype, DType filter_dtype) {
  // Padding after the last row: only as much as the last output row reads.
  const int64_t below = (g.p() - 1) * g.stride + g.r - g.h - g.pad, right = (g.q() - 1) * g.stride + g.s - g.w - g.pad;
  return {.x = activation_desc(g.n, g.h, g.w, g.c, dtype),
          .y = activation_desc(g.n, g.p(), g.q(), g.k, dtype),
          .w = memory::desc({g.k, g.c, g.r, g.s}, data_type(filter_dtype), Tag::any),
          .stride = {g.stride, g.stride},
          .low = {g.pad, g.pad},
          .high = {below, right},
          .channels = g.k,
          .pixels = g.p() * g.q(),
          .rows = g.r,
          .cols = g.s};
}

/// The data gradient as a forward convolution: dy (n, p, q, k) in, dx (n, h, w, c) out.
Geometry rotated_geometry(const ConvShape& g, DType dtype) {
  return {.x = activation_desc(g.n, g.p(), g.q(), g.k, dtype),
          .y = activation_desc(g.n, g.h, g.w, g.c, dtype),
          .w = memory::desc({g.c, g.k, g.r, g.s}, data_type(dtype), Tag::any),
          .stride = {1, 1},
          .low = {g.r - 1 - g.pad, g.s - 1 - g.pad},
          .high = {g.r - 1 - g.pad, g.s - 1 - g.pad},
          .channels = g.c,
          .pixels = g.h * g.w,
          .rows = g.r,
          .cols = g.s};
}

dnnl::primitive_attr attributes(const PlanKey& key, const memory::desc& y) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops post;
  if (key.accumulate && key.direction == Direction::data) post.append_sum(1.f);
  if (key.residual) post.append_binary(dnnl::algorithm::binary_add, y);
#if DNNL_VERSION_MAJOR >= 3
  if (key.relu) post.append_eltwise(dnnl::algorithm::eltwise_relu, 0.f, 0.f);
#else
  if (key.relu) post.append_eltwise(1.f, dnnl::algorithm::eltwise_relu, 0.f, 0.f);
#endif
  attr.set_post_ops(post);
  return attr;
}

// From here to make_plan: the one place where the 2.x and 3.x interfaces differ.
constexpr auto kDirect = dnnl::algorithm::convolution_direct;
using Names = std::function<bool(std::string_view)>;
bool any(std::string_view) { return true; }

/// The first implementation that `accept` takes, else oneDNN's first choice.
dnnl::convolution_forward::primitive_desc forward_desc(const dnnl::engine& e, const Geometry& g,
                                                       const memory::desc& bias, const dnnl::primitive_attr& attr,
                                                       const Names& accept) {
  constexpr auto kind = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR >= 3
  const auto first = [&] {
    return dnnl::convolution_forward::primitive_desc(e, kind, kDirect, g.x, g.w, bias, g.y, g.stride, g.low, g.high,
                                                     attr);
  };
#else
  // next_impl() of 2.x reads this description again: it has to outlive the search.
  const dnnl::convolution_forward::desc op(kind, kDirect, g.x, g.w, bias, g.y, g.stride, g.low, g.high);
  const auto first = [&] { return dnnl::convolution_forward::primitive_desc(op, attr, e); };
#endif
  auto chosen = first();
  while (!accept(chosen.impl_info_str()))
    if (!chosen.next_impl()) return first();
  return chosen;
}
dnnl::convolution_backward_data::primitive_desc data_desc(const dnnl::engine& e, const Geometry& g,
                                                          const dnnl::primitive_attr& attr) {
  const auto hint = forward_desc(e, g, {}, {}, any);
#if DNNL_VERSION_MAJOR >= 3
  return {e, kDirect, g.x, g.w, g.y, g.stride, g.low, g.high, hint, attr};
#else
  return {dnnl::convolution_backward_data::desc(kDirect, g.x, g.w, g.y, g.stride, g.low, g.high), attr, e, hint};
#endif
}
dnnl::convolution_backward_weights::primitive_desc weights_desc(const dnnl::engine& e, const Geometry& g,
                                                                const Geometry& forward,
                                                                const dnnl::primitive_attr& attr) {
  const auto hint = forward_desc(e, forward, {}, {}, any);
#if DNNL_VERSION_MAJOR >= 3
  return {e, kDirect, g.x, g.w, g.y, g.stride, g.low, g.high, hint, attr};
#else
  return {dnnl::convolution_backward_weights::desc(kDirect, g.x, g.w, g.y, g.stride, g.low, g.high), attr, e, hint};
#endif
}

/// Among oneDNN's implementations the direct convolution beats the batch-reduce one in bf16, and in f32 on small images
/// (measured on Zen 5, layers of ResNet-18), except where AMX is at hand.
Names preferred(const Geometry& g, const PlanKey& key) {
  // The fast implementations skip the epilogue of output rows that see only padding.
  if (g.low[0] >= g.rows || g.low[1] >= g.cols) return [](std::string_view name) { return name.find("ref") == 0; };
  // Those for SSE and for AVX without AVX2, and those on top of a matrix product, add a residual wrongly.
  const bool residual = key.residual;
  const bool direct = key.dtype == DType::bf16 || g.pixels <= 16;
  return [=](std::string_view name) {
    if (residual && (name == "jit:sse41" || name == "jit:avx" || name.find("gemm") != std::string_view::npos))
      return false;
    return !direct || name.find("brg") != 0 || name.find("amx") != std::string_view::npos;
  };
}

Plan forward_plan(const dnnl::engine& engine, const Geometry& g, const PlanKey& key, Plan plan) {
  const memory::desc bias = key.bias ? memory::desc({g.channels}, memory::data_type::f32, Tag::a) : memory::desc();
  const auto desc = forward_desc(engine, g, bias, attributes(key, g.y), preferred(g, key));
  plan.primitive = dnnl::convolution_forward(desc);
  plan.filter = desc.weights_desc();
  plan.in = unbound(engine, g.x);
  plan.out = unbound(engine, g.y);
  if (key.bias) plan.bias = unbound(engine, bias);
  if (key.residual) plan.residual = unbound(engine, g.y);
  plan.scratch = unbound(engine, desc.scratchpad_desc());
  return plan;
}

}  // namespace

memory::desc activation_desc(int64_t n, int64_t h, int64_t w, int64_t c, DType dtype) {
  return memory::desc({n, c, h, w}, data_type(dtype), Tag::nhwc);
}

memory::desc filter_desc(const ConvShape& g, bool rotated) {
  return rotated ? memory::desc({g.c, g.k, g.r, g.s}, memory::data_type::f32, Tag::ihwo)
                 : memory::desc({g.k, g.c, g.r, g.s}, memory::data_type::f32, Tag::ohwi);
}

memory unbound(const dnnl::engine& engine, const memory::desc& desc) { return memory(desc, engine, DNNL_MEMORY_NONE); }

dnnl::reorder::primitive_desc make_reorder(const dnnl::engine& engine, const memory::desc& from, const memory::desc& to,
                                           float beta) {
  dnnl::primitive_attr attr;
  if (beta != 0) {
    dnnl::post_ops post;
    post.append_sum(beta);
    attr.set_post_ops(post);
  }
  return {engine, from, engine, to, attr};
}

bool supports(const dnnl::engine& engine, DType dtype) {
  try {
    for (const Direction d : {Direction::forward, Direction::data, Direction::filter})
      make_plan(engine, {.shape = {.n = 1, .h = 4, .w = 4, .c = 16, .k = 16, .r = 3, .s = 3, .stride = 2, .pad = 1},
                         .dtype = dtype,
                         .direction = d});
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

Plan make_plan(const dnnl::engine& engine, const PlanKey& key) {
  const ConvShape& g = key.shape;
  if (key.direction == Direction::forward) return forward_plan(engine, geometry(g, key.dtype, key.dtype), key, {});
  Plan plan;
  if (key.direction == Direction::data && g.stride == 1 && g.pad < g.r && g.pad < g.s) {
    plan.rotated = true;
    plan.adds = key.accumulate;
    return forward_plan(engine, rotated_geometry(g, key.dtype), key, plan);
  }
  const Geometry forward = geometry(g, key.dtype, key.dtype);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (key.direction == Direction::data) {
    const auto desc = data_desc(engine, forward, attr);
    plan.primitive = dnnl::convolution_backward_data(desc);
    plan.filter = desc.weights_desc();
    plan.in = unbound(engine, forward.y);
    plan.out = unbound(engine, forward.x);
    plan.scratch = unbound(engine, desc.scratchpad_desc());
    return plan;
  }
  const auto desc = weights_desc(engine, geometry(g, key.dtype, DType::f32), forward, attr);
  plan.primitive = dnnl::convolution_backward_weights(desc);
  plan.filter = desc.diff_weights_desc();
  plan.in = unbound(engine, forward.x);
  plan.out = unbound(engine, forward.y);
  plan.scratch = unbound(engine, desc.scratchpad_desc());
  plan.gradient = unbound(engine, plan.filter);
  const memory::desc dense = filter_desc(g, false);
  plan.dense = unbound(engine, dense);
  if (key.accumulate || plan.filter != dense)
    plan.unpack = dnnl::reorder(make_reorder(engine, plan.filter, dense, key.accumulate ? 1.f : 0.f));
  return plan;
}

}  // namespace temper::onednn
