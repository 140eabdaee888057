#pragma once
// Operations that libraries have as well. A case that is one of them says so, and the benchmarks compare it with a
// library. size_t members are indices of the case's arrays; arrays are dense, extents in the order of their memory.
#include <any>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {
namespace known {

/// y = max(x, 0).
struct Relu {
  int64_t n;
  size_t x, y;
};
/// dx = dy where y > 0, else 0.
struct ReluGradient {
  int64_t n;
  size_t y, dy, dx;
};
/// y = alpha * x.
struct Scale {
  int64_t n;
  float alpha;
  size_t x, y;
};
/// z = alpha * x + beta * y; z may be y.
struct WeightedSum {
  int64_t n;
  float alpha, beta;
  size_t x, y, z;
};
/// y = x, in y's type.
struct Convert {
  int64_t n;
  size_t x, y;
};
/// y (n, b, a) = x (n, a, b).
struct Transpose {
  int64_t n, a, b;
  size_t x, y;
};
/// y = x + factor * v or y = factor * x * v, over (rows, cols); v has the same extents, or 1.
struct Broadcast {
  enum class Kind : uint8_t { add, multiply } kind;
  int64_t rows, cols, v_rows, v_cols;
  float factor;
  size_t x, v, y;
};
/// y_c = beta * y_c + sum over rows of x.
struct ColumnSum {
  int64_t rows, cols;
  float beta;
  size_t x, y;
};
/// y_r = factor * sum over columns of x.
struct RowSum {
  int64_t rows, cols;
  float factor;
  size_t x, y;
};
/// y_r = sum over columns of (a - b)^2.
struct SquaredDistance {
  int64_t rows, cols;
  size_t a, b, y;
};
/// y (n, c) = mean over the pixels of x (n, pixels, c).
struct Average {
  int64_t n, pixels, c;
  size_t x, y;
};
/// dx (n, pixels, c) = dy (n, c) / pixels.
struct AverageGradient {
  int64_t n, pixels, c;
  size_t dy, dx;
};
/// y = (x - mean) / std, numbers per channel.
struct ChannelNormalize {
  int64_t rows;
  std::vector<float> mean, std;
  size_t x, y;
};
/// BatchNorm of (rows, channels) with given statistics.
struct BatchNormApply {
  int64_t rows, channels;
  size_t x, mean, invstd, gamma, beta, y;
};
/// BatchNorm of (rows, channels) with batch statistics; the mean is a result, too.
struct BatchNormForward {
  int64_t rows, channels;
  float eps;
  size_t x, gamma, beta, y, mean;
};
struct BatchNormBackward {
  int64_t rows, channels;
  size_t x, dy, mean, invstd, gamma, dx, dgamma, dbeta;
};
/// Cross entropy of softmax(logits) with (rows, cols) targets, per row, and its gradient.
struct SoftCrossEntropy {
  int64_t rows, cols;
  size_t logits, target, loss, dlogits;
};

}  // namespace known
}  // namespace temper

namespace TEMPER_API temper {

/// One of the above, or nothing.
using KnownOp = std::any;

}  // namespace temper
