#pragma once
#include <compare>
#include <dnnl.hpp>

#include "core/convolution/conv.h"

namespace temper::onednn {

enum class Direction : uint8_t { forward, data, filter };

/// Everything a primitive is built from.
struct PlanKey {
  ConvShape shape;
  DType dtype = DType::f32;
  Direction direction = Direction::forward;
  bool bias = false, residual = false, relu = false;
  bool accumulate = false;  ///< beta = 1

  friend auto operator<=>(const PlanKey&, const PlanKey&) = default;
};

/// A primitive and the memory objects it runs on; their pointers are set before each execution.
struct Plan {
  dnnl::primitive primitive;
  dnnl::memory in, out, bias, residual, scratch;  ///< forward: x, y; data gradient: dy, dx; filter gradient: x, dy
  dnnl::memory::desc filter;                      ///< the layout of the filter, or of its gradient
  dnnl::memory gradient, dense;                   ///< filter gradient: in the primitive's layout and as (k, r, s, c)
  dnnl::primitive unpack;  ///< from `gradient` to `dense`, accumulating if beta is 1; empty if they are the same
  /// The data gradient of a convolution with stride 1 is a forward convolution of dy by the filter rotated by 180
  /// degrees, with input and output channels exchanged. Computed so, it can accumulate in its epilogue.
  bool rotated = false;
  bool adds = false;  ///< whether the primitive itself accumulates
};

Plan make_plan(const dnnl::engine& engine, const PlanKey& key);
/// Whether oneDNN has convolutions of this type for this processor: for bf16 most versions need AVX-512.
bool supports(const dnnl::engine& engine, DType dtype);

/// Descriptors of a dense (n, h, w, c) activation and of (k, r, s, c) filters, f32; `rotated` reads them as (c, k, r,
/// s).
dnnl::memory::desc activation_desc(int64_t n, int64_t h, int64_t w, int64_t c, DType dtype);
dnnl::memory::desc filter_desc(const ConvShape& g, bool rotated);
/// A memory object without memory.
dnnl::memory unbound(const dnnl::engine& engine, const dnnl::memory::desc& desc);
dnnl::reorder::primitive_desc make_reorder(const dnnl::engine& engine, const dnnl::memory::desc& from,
                                           const dnnl::memory::desc& to, float beta);

}  // namespace temper::onednn
