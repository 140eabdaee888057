#include "kernels/fit_scale/fit_scale.h"

#include <algorithm>
#include <cmath>

#include "kernels/fill/fill.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// Rows of a gradient up to `largest`, scaled by `scale`; the last element of the last row is `last`.
void add(int64_t rows, int cols, float scale, double largest, double last) {
  const ScaleRange range;
  add_case({.kernel = "fit_scale",
            .name = cat(rows, "x", cols, "/scale=", scale, "/to ", largest, "/last=", last),
            .arrays = {{"gradient", Role::inout, DType::f32, rows * cols, -largest, largest},
                       {"scale", Role::out, DType::f32, rows},
                       {"again", Role::out, DType::i32, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  float* const gradient = a.get<float>(0);
                  fill<float>(s, rows, a.get<float>(1), scale);
                  fill<float>(s, 1, a.get<float>(2), 0.f);  // as bits, the integer
                  if (rows > 0) fill<float>(s, 1, gradient + rows * cols - 1, float(last));
                  fit_scale(s, rows, cols, gradient, a.get<float>(1), a.get<int32_t>(2), range);
                  // What is not finite cannot be compared.
                  if (rows > 0 && !std::isfinite(last)) fill<float>(s, 1, gradient + rows * cols - 1, 0.f);
                },
            .reference =
                [=](auto& a) {
                  a[2] = {0};
                  for (int64_t r = 0; r < rows; ++r) {
                    const bool spoilt = r == rows - 1;
                    double* const g = a[0].data() + r * cols;
                    if (spoilt) g[cols - 1] = last;
                    const bool finite = std::isfinite(g[cols - 1]);
                    double most = 0;
                    for (int c = 0; c < cols; ++c) most = std::max(most, std::abs(g[c]));
                    double next = scale;
                    if (!finite && scale > range.lowest) next = scale / 16;
                    if (finite && most < range.enough && scale == range.first) next = range.highest;
                    a[1][r] = next;
                    a[2][0] += next != scale;
                    if (next == scale)
                      for (int c = 0; c < cols; ++c) g[c] /= scale;
                    if (!finite) g[cols - 1] = 0;
                  }
                },
            .tolerance = 0,
            .bytes = rows == kImages ? 2.0 * rows * cols * sizeof(float) : 0});
}

const CaseGroup group([] {
  constexpr float kFirst = 1024, kLowest = 1.f / 1024;
  for (const auto& [rows, cols] : {std::pair<int64_t, int>{0, 4}, {1, 1}, {3, 31}, {5, 33}, {2, 3072}, {1, 4099}})
    for (const float scale : {kFirst, 64.f, 32768.f, kLowest})
      for (const double last : {0.0, 0.5, double(INFINITY), -double(INFINITY), double(NAN)}) {
        add(rows, cols, scale, 4, last);
        add(rows, cols, scale, 0.1, last);
      }
  add(kImages, kImageElements, kFirst, 4, 0);
});

}  // namespace
}  // namespace temper
