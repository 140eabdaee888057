#pragma once
// What the CPU and the CUDA half of batch_norm share: each formula once.
#include <algorithm>
#include <cmath>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/runtime/hd.h"

namespace temper::batch_norm_body {

/// Rows are reduced chunk by chunk, then the chunks in order. Cut by the extents alone; a chunk of the smallest size
/// stays in a CPU core's cache, so that reading it a second time is free.
struct Chunks {
  int64_t rows, size, count;  ///< all rows; rows in a chunk, but for the last; chunks
  Chunks(int64_t n, int channels, int64_t most = INT64_MAX) : rows(n) {
    size = std::max<int64_t>(32, 8192 / channels);
    if (n > size * most) size = (n + most - 1) / most;
    count = (n + size - 1) / size;
  }
  HD int64_t rows_of(int64_t k) const { return k + 1 < count ? size : rows - k * size; }
};

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
