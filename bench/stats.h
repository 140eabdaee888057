#pragma once
#include <vector>

namespace temper::bench {

/// A quantile of at least one value, by linear interpolation between neighbours, as numpy's default.
double quantile(std::vector<double> values, double q);
double median(const std::vector<double>& values);

struct Interval {
  double lo = 0, hi = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// The confidence interval of the median of the distribution from which `values` were drawn, by order statistics,
/// without assumptions about its form. For few values it is their whole range, whose confidence is then lower.
Interval median_interval(std::vector<double> values, double confidence);

/// Half the width of the 95 % interval of the median, relative to the median. NaN for a single value.
double median_noise(const std::vector<double>& values);

}  // namespace temper::bench
