#pragma once
#include <vector>

namespace temper::bench {

/// Of at least one value; linear between neighbours, as numpy's default.
double quantile(std::vector<double> values, double q);
double median(const std::vector<double>& values);

struct Interval {
  double lo = 0, hi = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// Where the median of the distribution lies that `values` were drawn from, by order statistics: no assumption about
/// its form. Of few values it is their whole range, which then holds the median less often than `confidence`.
Interval median_interval(std::vector<double> values, double confidence);

/// Half the width of the 95 % interval of the median, relative to the median. NaN for one value, which says nothing of
/// it.
double median_noise(const std::vector<double>& values);

}  // namespace temper::bench
