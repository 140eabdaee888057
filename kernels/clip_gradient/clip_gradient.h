#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Limits of a gradient; 0: none.
struct ClipLimits {
  double norm = 0, value = 0;
};

/// First all n elements together, to a norm, as torch.nn.utils.clip_grad_norm_ does; then each one:
///   g = g * min(1, norm / (sqrt(square_sum[0]) + 1e-6));  g = min(max(g, -value), value)
/// square_sum: the sum of squares of all numbers that the norm is of, which may be more than these n. f32 and f64.
/// Moves 2n elements, and none where the norm is within its limit and numbers have none.
template <class T>
void clip_gradient(Stream stream, int64_t n, T* g, const T* square_sum, ClipLimits limits);

}  // namespace temper
