#pragma once
#include <compare>
#include <memory>
#include <vector>

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
/// converted, folded) for as long as `stamp` stays the same; stamp 0 means: keep nothing.
struct ConvFilter {
  Tensor w;     ///< (k, r, s, c), f32 (f64 in gradient checks)
  Tensor bias;  ///< (k) or none; f32 (f64)
  const BatchNormFold* fold = nullptr;
  uint64_t stamp = 0;
};

/// The fold of f, or none, as factors of the filters (one each) and, if there is a fold, the bias that goes with it.
void fold_batch_norm(const ConvFilter& f, std::vector<float>& scale, std::vector<float>& bias);

/// y = [relu](conv(x, w) + bias [+ residual])
struct ConvEpilogue {
  Tensor residual;  ///< like y, or none
  bool relu = false;
};

/// What a back end has built and kept so far. Repeating a pass with the same shapes and stamps changes none of it.
struct ConvStats {
  int64_t primitives_created = 0, filters_prepared = 0, allocations = 0;
  friend bool operator==(const ConvStats&, const ConvStats&) = default;
};

/// Whether an optimisation may change how a result is rounded: docs/exactness.md lists them.
enum class Exactness : uint8_t { rounding, exact };

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
  virtual void forward(Stream, const ConvShape&, const Tensor& x, const ConvFilter&, const ConvEpilogue&,
                       const Tensor& y) = 0;
  /// dx = beta * dx + conv_transpose(dy, w); a fold is part of w.
  virtual void backward_data(Stream, const ConvShape&, const Tensor& dy, const ConvFilter&, float beta,
                             const Tensor& dx) = 0;
  virtual void backward_filter(Stream, const ConvShape&, const Tensor& x, const Tensor& dy, float beta,
                               const Tensor& dw) = 0;
};

/// Plain im2col + Eigen matrix product, f32 and f64, CPU only: what everything else is checked against.
std::unique_ptr<ConvBackend> make_reference_conv();
/// Winograd's algorithm for the convolutions and data gradients it suits, on this processor; all others by `other`.
std::unique_ptr<ConvBackend> make_winograd_conv(std::unique_ptr<ConvBackend> other);
/// The fastest back end of this build for the device: Winograd and oneDNN (or the reference) on the CPU, cuDNN on CUDA.
/// f64 always goes to the reference. With Exactness::exact direct convolutions only, and filter gradients that are the
/// same for any number of threads.
std::unique_ptr<ConvBackend> make_conv_backend(Device device, Exactness exactness = Exactness::rounding);

}  // namespace temper
