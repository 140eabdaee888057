#include "bench/stats.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/runtime/check.h"

namespace temper::bench {

double quantile(std::vector<double> values, double q) {
  TEMPER_CHECK(!values.empty(), "quantile: expected at least one value, got none");
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(at), above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

double median(const std::vector<double>& values) { return quantile(values, 0.5); }

Interval median_interval(std::vector<double> values, double confidence) {
  TEMPER_CHECK(!values.empty(), "median_interval: expected at least one value, got none");
  std::sort(values.begin(), values.end());
  // The number of values below the median is binomial (n, 1/2): drop the k lowest and k highest as long as the tails
  // stay unlikely enough. P(exactly i) is built up in logarithms, which hold for any n.
  const size_t n = values.size();
  double log_p = -static_cast<double>(n) * std::log(2.0), tail = 0;
  size_t k = 0;
  for (; 2 * (k + 1) < n; ++k) {
    tail += std::exp(log_p);
    if (2 * tail > 1 - confidence) break;
    log_p += std::log(static_cast<double>(n - k)) - std::log(static_cast<double>(k + 1));
  }
  // values[k - 1] is the highest one that may be left out below; with k == 0 even the lowest one is needed.
  const size_t skip = k > 0 ? k - 1 : 0;
  return {values[skip], values[n - 1 - skip]};
}

double median_noise(const std::vector<double>& values) {
  if (values.size() == 1) return std::numeric_limits<double>::quiet_NaN();
  const Interval i = median_interval(values, 0.95);
  return (i.hi - i.lo) / 2 / median(values);
}

}  // namespace temper::bench
