#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y = max(x, 0), NaN where x is NaN. n elements; y may be x. Moves 2n elements.
template <class T>
void relu_forward(Stream stream, int64_t n, T* y, const T* x);

/// dx = beta * dx + (y > 0 ? dy : 0), with y the output of relu_forward (so no input has to be kept).
/// n elements; dx may be dy. relu'(0) = 0. Moves 3n elements for beta = 0, 4n otherwise.
template <class T>
void relu_backward(Stream stream, int64_t n, const T* y, const T* dy, float beta, T* dx);

}  // namespace temper
