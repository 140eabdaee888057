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

/// The filter of a convolution, with bias and fold. A library may keep what it prepares from the filter (reordered,
/// converted, folded) while `version` stays the same. Version 0: it must keep nothing.
struct ConvFilter {
  Tensor w;     ///< (k, r, s, c), f32 (f64 in gradient checks)
  Tensor bias;  ///< (k), f32 (f64); may be empty
  const BatchNormFold* fold = nullptr;
  uint64_t version = 0;
  /// Returns w in a 16-bit type, for libraries that take 16-bit filters; empty: they convert w.
  std::function<Tensor(DType)> half = {};
};

/// The fold of f as one factor per filter (1 without a fold) and, if there is a fold, the resulting bias.
void fold_batch_norm(const ConvFilter& f, std::vector<float>& scale, std::vector<float>& bias);

// Requests to a library: a convolution or one of its gradients, with optional fused operations. Activations have the
// compute type: f32, bf16, f16, or f64 for the reference. beta is 0 (overwrite) or 1 (accumulate).

/// y = [relu](conv(x, w) + bias [+ residual]), and optionally the per-channel sums of y and y^2.
struct ConvForward {
  ConvShape shape;
  Tensor x;
  ConvFilter filter;
  Tensor y;
  Tensor residual = {};  ///< like y; may be empty
  bool relu = false;
  Tensor sum = {}, squares = {};  ///< (k) each, f32 (f64); may be empty
};

/// dx = beta * dx + conv_transpose(dy, w), where w includes the fold. With a mask dx is then set to 0 where the mask is
/// not above 0: this is the backward of the ReLU that made x, whose output is the mask.
struct ConvBackwardData {
  ConvShape shape;
  Tensor dy;
  ConvFilter filter;
  Tensor dx;
  float beta = 0;
  Tensor mask = {};  ///< like dx; may be empty
  /// Out-of-place accumulation: returns other memory like dx. A library calls it, at most once, if it cannot mask and
  /// accumulate in place; the result is then in that memory, and dx is scratch. Empty: the result must be in dx.
  std::function<Tensor()> elsewhere = {};
};

/// dw = beta * dw + the gradient, in the filter's type.
struct ConvBackwardFilter {
  ConvShape shape;
  Tensor x, dy, dw;
  float beta = 0;
};

/// Which of the requested operations a library has fused into the convolution. finish()
/// (core/convolution/conv_epilogue.h) does the rest.
struct ConvDone {
  bool residual = false, relu = false;
  bool statistics = false;  ///< only if y is complete
  bool mask = false;
  Tensor bias = {};  ///< if not empty: the bias of filter or fold, in y's type, that the caller still has to add
};
/// What most libraries fuse: residual and ReLU, if they were requested.
inline ConvDone residual_and_relu(const ConvForward& r) {
  return {.residual = static_cast<bool>(r.residual), .relu = r.relu};
}
/// All that was requested.
inline ConvDone all_of(const ConvForward& r) {
  ConvDone done = residual_and_relu(r);
  done.statistics = static_cast<bool>(r.sum);
  return done;
}
inline ConvDone all_of(const ConvBackwardData& r) { return {.mask = static_cast<bool>(r.mask)}; }

/// Counters of what a back end has built so far. Repeating a pass with the same shapes and versions changes none of
/// them.
struct ConvStats {
  int64_t primitives_created = 0, filters_prepared = 0, allocations = 0;
  double trial_seconds = 0;  ///< spent on timing and checking plans
  friend bool operator==(const ConvStats&, const ConvStats&) = default;
};

/// A convolution library behind one interface with three passes. Each pass takes a request, computes the convolution
/// with its fold and bias, fuses as many of the other operations as it can, and returns which ones. Results do not
/// depend on earlier calls. convolve() (core/convolution/conv_epilogue.h) completes a request.
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
  /// Finds and compiles, on several threads, the plans of all convolutions of the planning pass of `stream`
  /// (kernels/runtime/capture.h). Plans of other convolutions are made one by one at their first use. The choice is the
  /// same.
  virtual void make_plans(Stream) {}
  /// Notes for the user about the choice of plans, such as stored plans that had to be discarded.
  virtual std::vector<std::string> notes() const { return {}; }
};

/// Precision of products in f32 convolutions on a GPU: f32, or with operands rounded to TF32 (10 bits).
enum class ConvMath : uint8_t { f32, tf32 };
/// How one of a library's deterministic plans is chosen on CUDA. proposed: the first that the library proposes; timed:
/// the fastest of the first few, timed at the first use of a shape. With `timed` the choice, and so the last bits, may
/// differ between runs, unless the plan is stored.
enum class PlanChoice : uint8_t { proposed, timed };

/// Whether the result of a plan is compared with a plain kernel before its first use.
enum class PlanCheck : uint8_t { on, off };

/// What computes the batch statistics of BatchNorm: a separate pass, or (fused) the convolution before it.
enum class BatchStatistics : uint8_t { separate, fused };

/// How plans of convolutions are chosen on CUDA.
struct ConvPlanning {
  ConvMath math = ConvMath::f32;
  PlanChoice choice = PlanChoice::proposed;
  PlanCheck check = PlanCheck::on;
  BatchStatistics statistics = BatchStatistics::separate;
  std::string folder = {};     ///< where plans are stored between runs; empty: they are not
  int64_t workspace_mb = 256;  ///< limit on the work space of a plan
};

/// f16 on the CPU, for checks: operands are converted to f32, `other` computes, results are rounded. Filters are
/// rounded to f16 first (after a fold), as on a GPU. Other types are passed to `other`.
std::unique_ptr<ConvBackend> make_f16_conv(std::unique_ptr<ConvBackend> other);

/// The reference: plain im2col + Eigen matrix product, f32 and f64, CPU only.
std::unique_ptr<ConvBackend> make_reference_conv();
/// Winograd's algorithm for the convolutions and gradients that it suits on this processor, and direct kernels for
/// first layers; `other` for all others.
std::unique_ptr<ConvBackend> make_winograd_conv(std::unique_ptr<ConvBackend> other, const Optimisations& without);
/// The fastest back end of this build for the CPU: Winograd and oneDNN, or the reference. f64 always goes to the
/// reference.
std::unique_ptr<ConvBackend> make_cpu_conv(const Optimisations& without = {});

}  // namespace temper
