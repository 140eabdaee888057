#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Elements of `partial` that square_sum needs for n elements.
int64_t square_sum_partials(int64_t n);

/// y[0] = sum of x[i]^2 over n elements (f32, f64): the squared norm of a gradient, and not finite if any element is
/// not. Blocks of 4096 are summed first, then their sums, so the order depends on n alone. Moves n elements.
template <class T>
void square_sum(Stream stream, int64_t n, const T* x, T* partial, T* y);

}  // namespace temper
