#pragma once
// What the CPU and the CUDA half of batch_norm share: each formula once.
#include <cmath>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/runtime/hd.h"

namespace temper::batch_norm_body {

/// A channel's statistics from its mean and its sum of squared deviations.
template <class S>
HD void finish(int c, int64_t rows, double mean, double m2, S* means, S* invstd, double eps,
               const BatchNormRunning<S>& running) {
  means[c] = S(mean);
  invstd[c] = S(1 / sqrt(m2 / static_cast<double>(rows) + eps));
  if (!running.mean) return;
  const double var = m2 / static_cast<double>(rows > 1 ? rows - 1 : 1);
  running.mean[c] = S((1 - running.momentum) * running.mean[c] + running.momentum * mean);
  running.var[c] = S((1 - running.momentum) * running.var[c] + running.momentum * var);
}

/// y, before the residual and the ReLU; scale = invstd * gamma.
template <class S>
HD S affine(S x, S mean, S scale, S beta) {
  return (x - mean) * scale + beta;
}

/// dx = scale * (dz - shift - (x - mean) * slope), with shift = dbeta / rows and slope = invstd * dgamma / rows.
template <class S>
HD S input_gradient(S dz, S x, S mean, S scale, S shift, S slope) {
  return scale * (dz - shift - (x - mean) * slope);
}

}  // namespace temper::batch_norm_body
