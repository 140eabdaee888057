#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y = x / (1 + exp(-x)), x times its logistic function; n elements; y may be x. Elfwing et al. 2017, equation 1;
/// "swish" in Ramachandran et al. 2017. Moves 2n elements.
template <class T>
void silu_forward(Stream stream, int64_t n, T* y, const T* x);

/// dx = beta * dx + dy * s * (1 + x * (1 - s)) with s = 1 / (1 + exp(-x)) and beta 0 or 1; n elements; dx may be dy.
/// Moves 3n elements for beta = 0, 4n otherwise.
template <class T>
void silu_backward(Stream stream, int64_t n, const T* x, const T* dy, float beta, T* dx);

}  // namespace temper
