#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// y = beta * y + x under another element type, rounded to nearest even where y is narrower. n elements.
template <class To, class From>
void convert(Stream stream, int64_t n, const From* x, float beta, To* y);

}  // namespace temper
