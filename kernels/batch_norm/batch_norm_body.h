#pragma once
// What the CPU and the CUDA half of batch_norm share: each formula once.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/runtime/chunks.h"
#include "kernels/runtime/hd.h"

namespace temper::batch_norm_body {

/// Adds a chunk of `rows` rows to a channel's sums; `mean` is its distance from a shift common to all chunks, the mean
/// of the first.
TEMPER_HD void merge(double rows, double mean, double m2, double (&sums)[2]) {
  sums[0] += rows * mean;
  sums[1] += rows * mean * mean + m2;
}

/// A channel's statistics from the merged sums.
template <class S>
TEMPER_HD void finish(int c, int64_t rows, double shift, const double (&sums)[2], S* means, S* invstd, double eps,
                      const BatchNormRunning<S>& running) {
  const double n = static_cast<double>(rows), d = sums[0] / n, mean = shift + d;
  double m2 = sums[1] - sums[0] * d;
  if (m2 < 0) m2 = 0;
  means[c] = S(mean);
  invstd[c] = S(1 / sqrt(m2 / n + eps));
  if (!running.mean) return;
  const double var = rows > 1 ? m2 / (n - 1) : m2;
  running.mean[c] = S((1 - running.momentum) * running.mean[c] + running.momentum * mean);
  running.var[c] = S((1 - running.momentum) * running.var[c] + running.momentum * var);
}

/// A channel's statistics from its sums.
template <class S>
struct StatisticsOf {
  int64_t rows;
  S *mean, *invstd;
  double eps;
  BatchNormRunning<S> running;
  TEMPER_HD void operator()(int64_t c, S sum, S squares) const {
    const double sums[2] = {double(sum), double(squares)};
    finish(static_cast<int>(c), rows, 0.0, sums, mean, invstd, eps, running);
  }
};

struct InvStd {
  double eps;
  template <class S>
  TEMPER_HD void operator()(int64_t, S& invstd, S var) const {
    invstd = S(1 / sqrt(var + eps));
  }
};

template <class S>
S lowest_output(BatchNormRelu relu) {
  return relu == BatchNormRelu::yes ? S(0) : -std::numeric_limits<S>::infinity();
}

/// f(mask as an integral constant).
template <class F>
void with_mask(BatchNormMask mask, F f) {
  using M = BatchNormMask;
  if (mask == M::none) f(std::integral_constant<M, M::none>{});
  if (mask == M::from_x) f(std::integral_constant<M, M::from_x>{});
  if (mask == M::from_y) f(std::integral_constant<M, M::from_y>{});
}

/// y, before the residual and the ReLU; scale = invstd * gamma.
template <class S>
TEMPER_HD S affine(S x, S mean, S scale, S beta) {
  return (x - mean) * scale + beta;
}

/// dx = scale * (dz - shift - (x - mean) * slope), with shift = dbeta / rows and slope = invstd * dgamma / rows.
template <class S>
TEMPER_HD S input_gradient(S dz, S x, S mean, S scale, S shift, S slope) {
  return scale * (dz - shift - (x - mean) * slope);
}

}  // namespace temper::batch_norm_body
