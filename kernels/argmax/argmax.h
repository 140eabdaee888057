#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y_r = the first index of the largest x_rc in each row of (rows, cols), or -1 if an element is not finite.
/// Deterministic. f32 and f64.
template <class T>
void argmax(Stream stream, int64_t rows, int cols, int32_t* y, const T* x);

}  // namespace temper
