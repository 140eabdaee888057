#include "data/statistics.h"

#include <cmath>
#include <cstring>

namespace temper {

namespace {

/// Calls f(i, value), in [0, 1], for every value of every image.
template <class F>
void each_value(const ImageSet& set, F f) {
  const size_t count = set.pixels.size() / size_of(set.dtype);
  for (size_t i = 0; i < count; ++i) {
    if (set.dtype == DType::u8) {
      f(i, set.pixels[i] / 255.0);
      continue;
    }
    float v;
    std::memcpy(&v, set.pixels.data() + i * sizeof v, sizeof v);
    f(i, static_cast<double>(v));
  }
}

}  // namespace

Statistics statistics(const ImageSet& set) {
  Statistics out{.per_class = std::vector<int64_t>(set.classes, 0)};
  for (const int32_t label : set.labels) ++out.per_class[label];
  const double n = static_cast<double>(set.size() * set.height * set.width);
  std::vector<double> mean(set.channels, 0), variance(set.channels, 0);
  each_value(set, [&](size_t i, double v) { mean[i % set.channels] += v / n; });
  each_value(set, [&](size_t i, double v) {
    const double d = v - mean[i % set.channels];
    variance[i % set.channels] += d * d / n;
  });
  for (const double v : variance) out.std.push_back(std::sqrt(v));
  out.mean = std::move(mean);
  return out;
}

}  // namespace temper
