#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

// Functions of one element, and their gradients: y and dx may be x or dy; with beta = 0 the old dx is not read. f32 and
// f64. A forward moves 2n elements, a backward 3n and one n more for beta != 0. The gradient of exp is product() with
// y.

/// y = log(x + plus): minus infinity at 0, NaN below.
template <class T>
void log_forward(Stream stream, int64_t n, double plus, T* y, const T* x);
/// dx = beta * dx + dy / (x + plus).
template <class T>
void log_backward(Stream stream, int64_t n, double plus, const T* x, const T* dy, float beta, T* dx);

/// y = exp x.
template <class T>
void exp_forward(Stream stream, int64_t n, T* y, const T* x);

/// y = one - x; its gradient is -dy.
template <class T>
void subtract_from(Stream stream, int64_t n, double one, T* y, const T* x);

struct ClampRange {
  double low, high;
};
/// y = x, but low where x < low and high where x > high; NaN stays NaN.
template <class T>
void clamp_forward(Stream stream, int64_t n, ClampRange range, T* y, const T* x);
/// dx = beta * dx + (low <= x <= high ? dy : 0), as PyTorch's: the ends belong to the range.
template <class T>
void clamp_backward(Stream stream, int64_t n, ClampRange range, const T* x, const T* dy, float beta, T* dx);

}  // namespace temper
