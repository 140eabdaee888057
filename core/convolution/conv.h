#pragma once
#include <compare>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/optimisations.h"
#include "core/tensor.h"

namespace TEMPER_API temper {

/// A 2-D convolution of (n, h, w, c) by (k, r, s, c) -> (n, p, q, k), cross-correlation as in every framework.
struct ConvShape {
  int64_t n = 0, h = 0, w = 0, c = 0, k = 0, r = 0, s = 0;
  int64_t stride = 1, pad = 0;

  int64_t p() const { return (h + 2 * pad - r) / stride + 1; }
  int64_t q() const { return (w + 2 * pad - s) / stride + 1; }
  friend auto operator<=>(const ConvShape&, const ConvShape&) = default;
};

/// A BatchNorm with running statistics as a per-channel affine map, to be folded into the convolution before it:
/// scale = gamma / sqrt(variance + eps), shift = beta - mean * scale.
struct BatchNormFold {
  Tensor gamma, beta, mean, variance;  ///< (K) each
  double eps = 1e-5;
};

/// The filter of a convolution and what may be folded into it. A library keeps what it prepares from it (reordered,
/// converted, folded) for as long as `version` stays the same; version 0 means: keep nothing.
struct ConvFilter {
  Tensor w;     ///< (k, r, s, c), f32 (f64 in gradient checks)
  Tensor bias;  ///< (k) or none; f32 (f64)
  const BatchNormFold* fold = nullptr;
  uint64_t version = 0;
  /// Gives w in a 16-bit type, to a library that takes filters so; none: it converts w.
  std::function<Tensor(DType)> half = {};
};

/// The fold of f, or none, as factors of the filters (one each) and, if there is a fold, the bias that goes with it.
void fold_batch_norm(const ConvFilter& f, std::vector<float>& scale, std::vector<float>& bias);

// What a library is asked for: a convolution or a gradient of it, and with it what follows. Activations are of the
// compute type: f32, bf16, f16, or f64 for the reference. beta is 0 (overwrite) or 1 (add).

/// y = [relu](conv(x, w) + bias [+ residual]), and of y the sums and the sums of squares over all but its channels.
struct ConvForward {
  ConvShape shape;
  Tensor x;
  ConvFilter filter;
  Tensor y;
  Tensor residual = {};  ///< like y, or none
  bool relu = false;
  Tensor sum = {}, squares = {};  ///< (k) each, f32 (f64); or none
};

/// dx = beta * dx + conv_transpose(dy, w), a fold being part of w; and then 0 where the mask is not above 0: the
/// gradient of the ReLU that made x, whose output the mask is.
struct ConvBackwardData {
  ConvShape shape;
  Tensor dy;
  ConvFilter filter;
  Tensor dx;
  float beta = 0;
  Tensor mask = {};  ///< like dx, or none
  /// Gives memory like dx, to a library that can mask a sum only where neither of its terms lies: the result is then
  /// there, and dx scratch. Called once at most; none: the result is to be in dx.
  std::function<Tensor()> elsewhere = {};
};

/// dw = beta * dw + the gradient, in the filter's type.
struct ConvBackwardFilter {
  ConvShape shape;
  Tensor x, dy, dw;
  float beta = 0;
};

/// What of that which follows a convolution a library did on the way. The rest is the caller's: finish() in
/// core/convolution/conv_epilogue.h.
struct ConvDone {
  bool residual = false, relu = false;
  bool statistics = false;  ///< only if nothing is left to be done to y
  bool mask = false;
  Tensor bias = {};  ///< the filter's or the fold's, in y's type, where it is left to the caller to add
};
/// All that is asked for.
inline ConvDone all_of(const ConvForward& r) {
  return {.residual = static_cast<bool>(r.residual), .relu = r.relu, .statistics = static_cast<bool>(r.sum)};
}

/// What a back end has built and kept so far. Repeating a pass with the same shapes and versions changes none of it.
struct ConvStats {
  int64_t primitives_created = 0, filters_prepared = 0, allocations = 0;
  double trial_seconds = 0;  ///< spent on timing and checking plans
  friend bool operator==(const ConvStats&, const ConvStats&) = default;
};

/// A convolution library behind one interface: three passes, each of which takes a request, computes the convolution
/// with its fold and bias, does of what follows as much as it can on the way, and says how much that was. Results do
/// not depend on what beta was before or on other calls. convolve() (core/convolution/conv_epilogue.h) does a whole
/// request.
class ConvBackend {
 public:
  virtual ~ConvBackend() = default;
  virtual const char* name() const = 0;
  virtual ConvStats stats() const { return {}; }
  /// Whether it can compute in `dtype` on this machine.
  virtual bool supports(DType dtype) const { return dtype == DType::f32 || dtype == DType::bf16; }
  [[nodiscard]] virtual ConvDone forward(Stream, const ConvForward&) = 0;
  [[nodiscard]] virtual ConvDone backward_data(Stream, const ConvBackwardData&) = 0;
  virtual void backward_filter(Stream, const ConvBackwardFilter&) = 0;
  /// Finds and compiles, on several threads, the plans of all convolutions that were met while `stream` was planning
  /// (kernels/runtime/capture.h); elsewhere they are made one by one when they are first met. The choice is the same.
  virtual void make_plans(Stream) {}
  /// What is worth telling a person about how convolutions were chosen: kept plans that were of no use, for one.
  virtual std::vector<std::string> notes() const { return {}; }
};

/// How products of f32 convolutions are formed on a GPU: as they are, or from operands rounded to TF32 (10 bits).
enum class ConvMath : uint8_t { f32, tf32 };
/// How one of a library's deterministic plans is chosen on CUDA: the one it proposes first, or the fastest of its first
/// few, timed when a shape is first met. Timing makes the choice, and so the last bits, depend on the day; a kept plan
/// does not change.
enum class PlanChoice : uint8_t { proposed, timed };

/// Whether what a plan computes is compared once with a plain kernel before the plan is used.
enum class PlanCheck : uint8_t { on, off };

/// Where a BatchNorm's batch statistics come from: a pass of its own, or sums that the convolution before it takes.
enum class BatchStatistics : uint8_t { separate, fused };

/// How convolutions are chosen on CUDA; nothing else asks.
struct ConvPlanning {
  ConvMath math = ConvMath::f32;
  PlanChoice choice = PlanChoice::proposed;
  PlanCheck check = PlanCheck::on;
  BatchStatistics statistics = BatchStatistics::separate;
  std::string folder = {};     ///< where plans are kept between runs; empty: nowhere
  int64_t workspace_mb = 256;  ///< the most a plan may take
};

/// f16 on the CPU: operands are read as f32, `other` computes, results are rounded; filters are rounded to f16 first,
/// and a folded one after the fold, as on a GPU. For checking, not for speed. Everything else goes to `other` as it is.
std::unique_ptr<ConvBackend> make_f16_conv(std::unique_ptr<ConvBackend> other);

/// Plain im2col + Eigen matrix product, f32 and f64, CPU only: what everything else is checked against.
std::unique_ptr<ConvBackend> make_reference_conv();
/// Winograd's algorithm for the convolutions and data gradients it suits, and a first layer's tap by tap, on this
/// processor; all others by `other`.
std::unique_ptr<ConvBackend> make_winograd_conv(std::unique_ptr<ConvBackend> other, const Optimisations& without);
/// The fastest back end of this build for the CPU: Winograd and oneDNN, or the reference. f64 always goes to the
/// reference.
std::unique_ptr<ConvBackend> make_cpu_conv(const Optimisations& without = {});

}  // namespace temper
