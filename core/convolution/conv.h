#pragma once
#include <compare>
#include <memory>
#include <string>
#include <vector>

#include "core/optimisations.h"
#include "core/tensor.h"

namespace temper {

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

/// The filter of a convolution and what may be folded into it. A back end keeps what it prepares from it (reordered,
/// converted, folded) for as long as `version` stays the same; version 0 means: keep nothing.
struct ConvFilter {
  Tensor w;     ///< (k, r, s, c), f32 (f64 in gradient checks)
  Tensor bias;  ///< (k) or none; f32 (f64)
  const BatchNormFold* fold = nullptr;
  uint64_t version = 0;
  Tensor half = {};  ///< w in the compute type, for a back end that takes_narrow_filters(); none: it converts w
};

/// The fold of f, or none, as factors of the filters (one each) and, if there is a fold, the bias that goes with it.
void fold_batch_norm(const ConvFilter& f, std::vector<float>& scale, std::vector<float>& bias);

/// y = [relu](conv(x, w) + bias [+ residual])
struct ConvEpilogue {
  Tensor residual;  ///< like y, or none
  bool relu = false;
};

/// dx = beta * dx + conv_transpose(dy, w), and then 0 where the mask is not above 0: the gradient of the ReLU that made
/// x, whose output the mask is.
struct ConvDataEpilogue {
  float beta = 0;
  Tensor mask;         ///< like dx, or none
  Tensor addend = {};  ///< with a mask, from a library that adds_apart(): what stands for beta * dx, elsewhere; scratch
};

/// What a back end has built and kept so far. Repeating a pass with the same shapes and versions changes none of it.
struct ConvStats {
  int64_t primitives_created = 0, filters_prepared = 0, allocations = 0;
  double trial_seconds = 0;  ///< spent on timing and checking plans
  friend bool operator==(const ConvStats&, const ConvStats&) = default;
};

/// A convolution library behind one interface. x, y, dx, dy in the compute type (f32, bf16, or f64 for the reference);
/// dw in the filter's type. beta is 0 (overwrite) or 1 (add). Results do not depend on beta's history or on other
/// calls.
class ConvBackend {
 public:
  virtual ~ConvBackend() = default;
  virtual const char* name() const = 0;
  virtual ConvStats stats() const { return {}; }
  /// Whether it can compute in `dtype` on this machine.
  virtual bool supports(DType dtype) const { return dtype == DType::f32 || dtype == DType::bf16; }
  /// Whether it takes filters as (k, r, s, c) in the compute type, and so is better off with ConvFilter::half.
  virtual bool takes_narrow_filters() const { return false; }
  /// Whether a data gradient with a mask is better added to an array that lies apart from dx.
  virtual bool adds_apart() const { return false; }
  virtual void forward(Stream, const ConvShape&, const Tensor& x, const ConvFilter&, const ConvEpilogue&,
                       const Tensor& y) = 0;
  /// forward() without an epilogue and, in one go, the sums of y and of y^2 over all but its channels: (k) each, f32
  /// (f64). False, and nothing done, where the library cannot.
  virtual bool forward_statistics(Stream, const ConvShape&, const Tensor& /*x*/, const ConvFilter&, const Tensor& /*y*/,
                                  const Tensor& /*sum*/, const Tensor& /*squares*/) {
    return false;
  }
  /// dx = beta * dx + conv_transpose(dy, w); a fold is part of w.
  virtual void backward_data(Stream, const ConvShape&, const Tensor& dy, const ConvFilter&, float beta,
                             const Tensor& dx) = 0;
  /// backward_data with what follows it, in one go where the library can.
  void backward_data_relu(Stream stream, const ConvShape& g, const Tensor& dy, const ConvFilter& filter,
                          const ConvDataEpilogue& e, const Tensor& dx);
  virtual void backward_filter(Stream, const ConvShape&, const Tensor& x, const Tensor& dy, float beta,
                               const Tensor& dw) = 0;
  /// Finds and compiles, on several threads, the plans of all convolutions that were met while `stream` was planning
  /// (kernels/runtime/capture.h); elsewhere they are made one by one when they are first met. The choice is the same.
  virtual void make_plans(Stream) {}
  /// What is worth telling a person about how convolutions were chosen: kept plans that were of no use, for one.
  virtual std::vector<std::string> notes() const { return {}; }

 protected:
  /// The epilogue with its mask in one go; false, and nothing done, where the library cannot.
  virtual bool backward_data_masked(Stream, const ConvShape&, const Tensor& /*dy*/, const ConvFilter&,
                                    const ConvDataEpilogue&, const Tensor& /*dx*/) {
    return false;
  }
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
