#pragma once
#include <cstdint>

#include "kernels/runtime/scalar_arg.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y = alpha * x + beta * y, n elements; with beta = 0 the old y is not read. Moves 2n elements, 3n for beta != 0.
template <class T>
void axpby(Stream stream, int64_t n, ScalarArg<float> alpha, const T* x, float beta, T* y);

/// z = alpha * x + beta * y, n elements; z may be x or y. Nothing happens where `moves` is 0. Moves 3n elements.
template <class T>
void weighted_sum(Stream stream, int64_t n, float alpha, const T* x, ScalarArg<float> beta, const T* y, T* z,
                  ScalarArg<uint32_t> moves = 1);

/// y = beta * y + scale * s[0], n elements: a scalar's gradient spread over what was summed.
template <class T>
void add_scalar(Stream stream, int64_t n, double scale, const T* s, float beta, T* y);

}  // namespace temper
