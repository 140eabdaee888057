#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y = value, n elements. Moves n elements.
template <class T>
void fill(Stream stream, int64_t n, T* y, T value);

}  // namespace temper
