#pragma once
#include <optional>

#include "kernels/runtime/api.h"
#include "kernels/runtime/scalar_arg.h"

namespace TEMPER_API temper {

/// Loss scaling (Micikevicius et al. 2018): a power of two that multiplies the loss before a backward pass (up), and
/// its reciprocal that multiplies the resulting gradients (down), so that small gradients do not underflow in 16-bit
/// types. Both are exact: a gradient that does not underflow has the same bits with any scale.
struct LossScale {
  ScalarArg<float> up = 1, down = 1;
  static LossScale of(float factor) { return {factor, 1 / factor}; }
};

/// The loss scales of an engine. An empty one means: no scaling.
struct LossScales {
  std::optional<LossScale> params, inputs;  ///< for tapes that differentiate parameters; for inputs alone
  bool fitted = false;  ///< attacks fit one scale per sample (attacks/fitted_scale.h) and do not use `inputs`
};

}  // namespace temper
