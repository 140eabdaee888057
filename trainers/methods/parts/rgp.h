#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kernels/percentile/percentile.h"
#include "kernels/rgp_score/rgp_score.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The `rgp` section of CURE. The defaults are the paper's.
struct RgpOptions {
  /// Of the natural and the robust gradient: `abs` alpha |n| + (1 - alpha) |r| (paper), `signed_sum` (code), or
  /// `abs_of_sum`; of the gradient of the step alone: `step_abs` its magnitude, `step_signed` itself (code).
  enum class Score : uint8_t { abs, signed_sum, abs_of_sum, step_abs, step_signed };
  enum class RobustTerm : uint8_t { cross_entropy, kl };
  enum class Maskable : uint8_t { all_but_classifier, conv1, all, globs };
  enum class Threshold : uint8_t { per_tensor, global };

  double percent = 30;  ///< share of weights whose gradient is zeroed; 0: no mask
  double alpha = 0.1;   ///< weight of the natural gradient
  Score score = Score::abs;
  RobustTerm robust = RobustTerm::cross_entropy;
  Maskable maskable = Maskable::all_but_classifier;
  std::vector<std::string> globs;
  Threshold threshold = Threshold::per_tensor;
  MaskMode gate = MaskMode::zero_gradient;

  void fields(Fields& f);
  bool on() const { return percent > 0; }
  /// Whether the score needs the natural and the robust gradient separately.
  bool needs_both() const { return score != Score::step_abs && score != Score::step_signed; }
};

/// The indices of the parameters that the options allow to be masked, in order, without frozen ones. Throws Error if
/// there is none.
std::vector<int> maskable_parameters(const ParamLayout& layout, const RgpOptions& options);

/// Robust gradient prominence (CURE, section 4): scores every weight and masks the gradient of those below a percentile
/// of their tensor, or of all maskable tensors, for one step. Works on the engine's device, without waiting for it.
class Rgp {
 public:
  Rgp(Engine& engine, const Network& network, const RgpOptions& options);

  /// Buffers for the gradients of the natural and of the robust term.
  ParamBuffer& natural() { return natural_; }
  ParamBuffer& robust() { return robust_; }
  /// Computes the mask from the scores: 0 where score < threshold, 1 elsewhere. `step` is the gradient of the whole
  /// loss. Overwrites robust().
  void update(Engine& engine, const ParamBuffer& step);
  GradientMask mask() const { return {&mask_, options_.gate}; }
  /// "kept/PARAMETER" for every maskable parameter and "kept/total": the share of weights that move.
  void metrics(const MetricSink& to) const;

 private:
  RgpOptions options_;
  ParamBuffer natural_, robust_, mask_;
  std::vector<int> maskable_;
  std::unique_ptr<PercentilePlan> plan_;
  DeviceArray<int32_t> kept_;
};

}  // namespace temper
