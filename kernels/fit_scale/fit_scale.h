#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// The loss scales that fit_scale() tries, powers of two. A gradient that is as large as 1 at first fits f16 at the
/// highest.
struct ScaleRange {
  float first = 1024, highest = 32768, lowest = 1.f / 1024;
  float enough = 0.25;  ///< the largest element of a scaled gradient that needs no larger scale
};

/// One try at a loss scale for each row of a gradient (rows, cols), which is scale[i] times too large:
///   not finite:  scale[i] /= 16, down to `lowest`
///   every element below `enough`, though not yet tried otherwise (scale[i] = first):  scale[i] = highest
///   else, or where there is nothing left to try:  gradient /= scale[i]
/// and *again counts the rows of the first two kinds, whose gradient is to be computed again; they keep it as it is.
/// Moves the gradient up to three times.
void fit_scale(Stream stream, int64_t rows, int cols, float* gradient, float* scale, int32_t* again, ScaleRange range);

}  // namespace temper
