#pragma once
#include "kernels/runtime/scalar_arg.h"
#include "kernels/runtime/stream.h"

namespace temper {

struct LionStep {
  ScalarArg<double> lr = 1e-4;
  double beta1 = 0.9, beta2 = 0.99, weight_decay = 0;
  ScalarArg<uint32_t> moves = 1;  ///< 0: this step is skipped, nothing changes
};

/// One step of Lion (Chen et al. 2023, algorithm 2) over n elements:
///   w = w - lr * (sign(beta1 * m + (1 - beta1) * grad) + weight_decay * w);  m = beta2 * m + (1 - beta2) * grad
/// w and m are updated in place, m starts as zeros; grad is read. Nothing may alias. f32 and f64. Moves 5n elements.
template <class T>
void lion_step(Stream stream, int64_t n, T* w, T* m, const T* grad, LionStep step);

}  // namespace temper
