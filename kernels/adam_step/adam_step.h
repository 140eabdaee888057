#pragma once
#include <cstdint>

#include "kernels/runtime/scalar_arg.h"
#include "kernels/runtime/stream.h"
#include "kernels/sgd_step/sgd_step.h"

namespace TEMPER_API temper {

/// Where weight decay acts: as a penalty, in the gradient (Adam), or on the weight itself (AdamW).
enum class Decay : uint8_t { gradient, weight };

struct AdamStep {
  ScalarArg<double> lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  Decay decay = Decay::gradient;
  ScalarArg<double> correction1 = 0.1, correction2 = 0.001;  ///< 1 - beta1^t and 1 - beta2^t of the t-th step
  ScalarArg<uint32_t> moves = 1;                             ///< 0: this step is skipped, nothing changes
};

/// One step of Adam (Kingma & Ba 2015) or AdamW (Loshchilov & Hutter 2019) over n elements, in PyTorch's order:
///   Decay::weight: w = (1 - lr * weight_decay) * w, g = grad;  Decay::gradient: g = grad + weight_decay * w
///   m = m + (1 - beta1) * (g - m);  v = beta2 * v + (1 - beta2) * g^2
///   w = w - lr / correction1 * m / (sqrt(v) / sqrt(correction2) + eps)
/// eps is above 0, so weights without a gradient do not move. w, m and v are updated in place, m and v start
/// as zeros; grad and mask are read only. Nothing may alias. mask: n elements, non-zero counts as one; null: no mask.
/// f32 and f64. Moves 7n elements, 8n with a mask.
template <class T>
void adam_step(Stream stream, int64_t n, T* w, T* m, T* v, const T* grad, const T* mask, MaskMode mode, AdamStep step);

}  // namespace temper
