#pragma once
// The key of a convolution's plan, and the error if a library has no plan. Independent of the library.
#include <compare>
#include <string>

#include "core/convolution/conv.h"
#include "core/plans/plan_refusals.h"

namespace temper {

/// The type of a convolution. tf32 is stored as f32; operands are rounded to TF32 for products. Sums are f32 for all
/// types.
enum class ConvType : uint8_t { f32, tf32, bf16, f16 };
const char* name(ConvType t);

enum class ConvPass : uint8_t { forward, backward_data, backward_filter };

/// forward:         y = [relu](conv(x, w) [+ residual] [+ bias])
/// backward_data:   dx = [mask > 0 ?] (conv_transpose(dy, w) [+ residual]), or added to dx with `accumulate`
/// backward_filter: dw = [dw +] the gradient, in f32 whatever the type
struct ConvKey {
  ConvShape shape;
  ConvType type = ConvType::f32;
  ConvPass pass = ConvPass::forward;
  bool bias = false, residual = false, relu = false, mask = false, accumulate = false;
  bool statistics = false;  ///< forward only: also the per-channel sums of y and y^2
  int64_t alignment = 16;   ///< bytes, of every pointer

  friend auto operator<=>(const ConvKey&, const ConvKey&) = default;
};

/// The pass with its fused operations: "forward + bias + ReLU".
std::string pass_text(const ConvKey& key);
/// "x (128, 32, 32, 64), w (64, 3, 3, 64), stride 1, padding 1"
std::string shape_text(const ConvShape& g);
/// One line that identifies the key permanently: the name of its plan on disk.
std::string id_text(const ConvKey& key);

/// The error if there is no plan: op, shapes, types, device, versions, which engines were proposed and refused, and
/// what to change.
std::string refusal_text(const ConvKey& key, const PlanRefusals& refusals, const PlanSource& source);

}  // namespace temper
