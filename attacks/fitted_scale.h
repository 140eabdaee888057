#pragma once
#include "core/tape.h"

namespace TEMPER_API temper {

/// Whether every sample has its own loss scale, or, with batch statistics, the whole batch has one.
enum class ScaleOf : uint8_t { sample, batch };

/// Backward passes of an attack with a loss scale that is fitted per sample, for f16 (LossScales::fitted). If the
/// gradient of a sample overflows, or underflows too much, the step is differentiated again with another scale, which
/// the sample keeps from then on (kernels/fit_scale). So a result depends on its sample alone. Waits for the device in
/// every step; in a planning pass a step is differentiated once. Without fitted scales it is Tape::backward with the
/// engine's scale.
class FittedScale {
 public:
  /// To be constructed within the attack's arena scope.
  FittedScale(Engine& engine, int64_t samples, ScaleOf of = ScaleOf::sample);
  /// Tape::backward of `values`, one per sample, with respect to `input`.
  void backward(Tape& tape, const Var& input, const Var& values) const;

 private:
  Engine& engine_;
  Tensor scales_, again_;  ///< empty: the engine's scale
};

}  // namespace temper
