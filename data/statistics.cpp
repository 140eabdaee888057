#include "data/statistics.h"

#include <cmath>

namespace temper {

Statistics statistics(const ImageSet& set) {
  Statistics out{.per_class = std::vector<int64_t>(set.classes, 0)};
  for (const int32_t label : set.labels) ++out.per_class[label];
  std::vector<uint64_t> sum(set.channels, 0), squares(set.channels, 0);
  for (size_t i = 0; i < set.pixels.size(); ++i) {
    const uint64_t p = set.pixels[i];
    sum[i % set.channels] += p;
    squares[i % set.channels] += p * p;
  }
  const double n = static_cast<double>(set.size() * set.height * set.width);
  for (int64_t c = 0; c < set.channels; ++c) {
    const double mean = static_cast<double>(sum[c]) / n;
    out.mean.push_back(mean / 255);
    out.std.push_back(std::sqrt(std::max(0.0, static_cast<double>(squares[c]) / n - mean * mean)) / 255);
  }
  return out;
}

}  // namespace temper
