#pragma once
// The CUDA half of percentile.h: the same contract.
#include "kernels/percentile/percentile.h"

namespace temper::cuda {

template <class T>
void percentile(Stream stream, PercentilePlan& plan, const T* x, T* thresholds);

}  // namespace temper::cuda
