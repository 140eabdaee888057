#pragma once
// How much arithmetic was done, counted from the ranges that convolutions and matrix products leave in a log.
#include <optional>

#include "core/convolution/conv.h"
#include "kernels/runtime/range.h"

namespace TEMPER_API temper {

/// Floating-point operations; a multiplication and an addition count as two. Those of other kernels are not counted.
struct Arithmetic {
  double forward = 0;          ///< convolutions of forward passes
  double data_gradient = 0;    ///< convolutions that give the gradient of their input
  double filter_gradient = 0;  ///< convolutions that give the gradient of their filter
  double products = 0;         ///< matrix products, of all passes

  double total() const { return forward + data_gradient + filter_gradient + products; }
  Arithmetic& operator+=(const Arithmetic& other);
  friend Arithmetic operator*(double factor, const Arithmetic& a);
  friend bool operator==(const Arithmetic&, const Arithmetic&) = default;
};

/// 2 * N * P * Q * K * R * S * C: any of the three passes of a convolution.
double flops_of(const ConvShape& g);
/// The shape of the convolution that a range timed; empty: the range is no convolution.
std::optional<ConvShape> convolution_of(const RangeLog::Node& node);
/// Of everything that the log has counted.
Arithmetic arithmetic_of(const RangeLog& log);

}  // namespace temper
