#include "data/pictures/resize.h"

#include <algorithm>
#include <cmath>

namespace temper {

namespace {

/// The piecewise cubic of Mitchell and Netravali, of support [-2, 2].
double cubic(double x, double b, double c) {
  x = std::abs(x);
  if (x < 1) return ((12 - 9 * b - 6 * c) * x * x * x + (-18 + 12 * b + 6 * c) * x * x + 6 - 2 * b) / 6;
  if (x < 2) return ((-b - 6 * c) * x * x * x + (6 * b + 30 * c) * x * x + (-12 * b - 48 * c) * x + 8 * b + 24 * c) / 6;
  return 0;
}

/// What one output pixel is made of, along one way: input pixels from `first` on, by weights that add up to 1.
struct Taps {
  int64_t first = 0;
  std::vector<double> weights;
};

/// For the outputs [begin, begin + count) of `in` pixels brought to `out`.
std::vector<Taps> taps(int64_t in, int64_t out, int64_t begin, int count) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), stretch = std::max(scale, 1.0);
  const double b = out < in ? 1.0 / 3 : 0, c = out < in ? 1.0 / 3 : 0.5;
  std::vector<Taps> all(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    Taps& t = all[static_cast<size_t>(i)];
    if (in == out) {
      t = {begin + i, {1.0}};
      continue;
    }
    const double centre = (static_cast<double>(begin + i) + 0.5) * scale - 0.5;
    const auto low = static_cast<int64_t>(std::ceil(centre - 2 * stretch)),
               high = static_cast<int64_t>(std::floor(centre + 2 * stretch));
    t.first = std::clamp<int64_t>(low, 0, in - 1);
    t.weights.resize(static_cast<size_t>(std::clamp<int64_t>(high, 0, in - 1) - t.first + 1), 0.0);
    double sum = 0;
    for (int64_t j = low; j <= high; ++j) {
      const double w = cubic((static_cast<double>(j) - centre) / stretch, b, c);
      t.weights[static_cast<size_t>(std::clamp<int64_t>(j, 0, in - 1) - t.first)] += w;
      sum += w;
    }
    for (double& w : t.weights) w /= sum;
  }
  return all;
}

int64_t end(const Taps& t) { return t.first + static_cast<int64_t>(t.weights.size()); }

/// One input row, of which `wide` holds the pixels from `first` on, at its new width.
void narrow(const std::vector<float>& wide, int64_t first, int channels, const std::vector<Taps>& across,
            std::vector<double>& to) {
  for (size_t x = 0; x < across.size(); ++x)
    for (int c = 0; c < channels; ++c) {
      const float* from = wide.data() + (across[x].first - first) * channels + c;
      double sum = 0;
      for (size_t k = 0; k < across[x].weights.size(); ++k) sum += across[x].weights[k] * from[k * channels];
      to[x * channels + c] = sum;
    }
}

}  // namespace

std::vector<float> resize(const Raster& in, const ResizeOptions& o) {
  const std::vector<Taps> down = taps(in.height, o.height, o.top, o.rows),
                          across = taps(in.width, o.width, o.left, o.columns);
  const int64_t first = across.front().first;
  const size_t row = static_cast<size_t>(o.columns) * in.channels;
  std::vector<float> wide((end(across.back()) - first) * in.channels);
  std::vector<double> resized(row), sums(o.rows * row, 0.0);
  size_t p = 0;  // the first output row that is not complete
  for (int64_t y = down.front().first; y < end(down.back()); ++y) {
    while (end(down[p]) <= y) ++p;
    for (size_t i = 0; i < wide.size(); ++i)
      wide[i] = in[(y * in.width + first) * in.channels + static_cast<int64_t>(i)];
    narrow(wide, first, in.channels, across, resized);
    for (size_t q = p; q < down.size() && down[q].first <= y; ++q)
      for (size_t i = 0; i < row; ++i)
        sums[q * row + i] += down[q].weights[static_cast<size_t>(y - down[q].first)] * resized[i];
  }
  std::vector<float> out;
  for (const double v : sums) out.push_back(std::clamp(static_cast<float>(v), 0.f, 1.f));
  return out;
}

}  // namespace temper
