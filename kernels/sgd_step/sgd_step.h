#pragma once
#include <cstdint>

#include "kernels/runtime/scalar_arg.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// What a zero in the mask means. zero_gradient: the gradient counts as zero, momentum and weight decay still act.
/// freeze: neither the weight nor its velocity moves.
enum class MaskMode : uint8_t { zero_gradient, freeze };

enum class Momentum : uint8_t { classic, nesterov };

struct SgdStep {
  ScalarArg<double> lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 0;
  Momentum kind = Momentum::classic;
  ScalarArg<uint32_t> moves = 1;  ///< 0: this step is skipped, nothing changes
};

/// One step of stochastic gradient descent over n elements, in PyTorch's order:
///   g = grad + weight_decay * w;  v = momentum * v + g;  w = w - lr * v   (Nesterov: w - lr * (g + momentum * v))
/// w and velocity are updated in place, the velocity starts as zeros; grad and mask are read only. Nothing may alias.
/// mask: n elements, non-zero counts as one; null: no mask. f32 and f64. Moves 5n elements, 6n with a mask.
template <class T>
void sgd_step(Stream stream, int64_t n, T* w, T* velocity, const T* grad, const T* mask, MaskMode mode, SgdStep step);

}  // namespace temper
