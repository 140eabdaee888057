#pragma once
#include <optional>

#include "kernels/runtime/scalar_arg.h"

namespace temper {

/// A power of two by which gradients are larger on their way from a loss to what it is differentiated by, and one over
/// it: 16-bit types keep few small numbers. No gradient that they keep anyway depends on it.
struct LossScale {
  ScalarArg<float> up = 1, down = 1;
  static LossScale of(float factor) { return {factor, 1 / factor}; }
};

/// Those of an engine; none: gradients are as they are.
struct LossScales {
  std::optional<LossScale> params, inputs;  ///< of tapes that differentiate parameters; of those for inputs alone
  bool fitted = false;  ///< an attack looks for its samples' own (attacks/fitted_scale.h), and `inputs` is for others
};

}  // namespace temper
