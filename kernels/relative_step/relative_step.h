#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// The sums of squares of all weights and of the whole direction, on the device, and the length of the step.
template <class T>
struct RelativeStep {
  const T *square_w, *square_g;
  double share;
};

/// Moves n weights along a direction by a share of their own norm (adversarial weight perturbation, Wu et al. 2020):
///   w = w + share * sqrt(square_w) / (sqrt(square_g) + 1e-20) * g
/// Leaves w as it is if either sum is not finite. Nothing may alias. f32 and f64. Moves 3n elements, or none.
template <class T>
void relative_step(Stream stream, int64_t n, T* w, const T* g, const RelativeStep<T>& step);

}  // namespace temper
