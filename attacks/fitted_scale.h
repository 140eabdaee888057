#pragma once
#include "core/tape.h"

namespace temper {

/// Whose loss scale is looked for: each sample's, or, where samples meet in batch statistics, that of all.
enum class ScaleOf : uint8_t { sample, batch };

/// Differentiates the values that an attack climbs. Where the engine's loss scale is to be found (f16), a step that
/// overflows, or comes out so small that much of it was lost, is differentiated again with another one, which stays
/// with its sample from then on (kernels/fit_scale). So a result depends on its sample alone, and nobody chooses a
/// scale. Waits for the device in every step; while launches are listed (planning), a step is differentiated once.
/// Elsewhere it is Tape::backward with the engine's scale.
class FittedScale {
 public:
  /// To be made within the attack's arena scope.
  FittedScale(Engine& engine, int64_t samples, ScaleOf of = ScaleOf::sample);
  /// Tape::backward of `values`, one a sample, with respect to `input`.
  void backward(Tape& tape, const Var& input, const Var& values) const;

 private:
  Engine& engine_;
  Tensor scales_, again_;  ///< none: the engine's
};

}  // namespace temper
