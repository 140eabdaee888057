#include <algorithm>
#include <cmath>

#include "kernels/clip_gradient/clip_gradient.h"
#include "kernels/fill/fill.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// `norm`: of all that is clipped, which these n numbers are a part of.
template <class T>
void add(int64_t n, double norm, ClipLimits limits) {
  const DType t = dtype_of<T>();
  add_case({.kernel = "clip_gradient",
            .name = cat(name(t), "/norm=", norm, "/to=", limits.norm, ",", limits.value, "/n=", n),
            .size = size_of_case(n, kParameters),
            .arrays = {{"g", Role::inout, t, n}, {"square_sum", Role::scratch, t, 1}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  fill<T>(s, 1, a.get<T>(1), T(norm * norm));
                  clip_gradient<T>(s, n, a.get<T>(0), a.get<T>(1), limits);
                },
            .reference =
                [=](auto& a) {
                  for (double& g : a[0]) {
                    if (limits.norm > 0 && norm > limits.norm) g *= limits.norm / (norm + 1e-6);
                    if (limits.value > 0) g = std::clamp(g, -limits.value, limits.value);
                  }
                },
            .tolerance = sizeof(T) == 4 ? 4e-7 : 1e-14,
            .bytes = limits.value > 0 || norm > limits.norm ? 2.0 * n * sizeof(T) : 0});
}

const CaseGroup group([] {
  for (const int64_t n : case_sizes(kParameters))
    for (const ClipLimits limits :
         {ClipLimits{.norm = 2}, ClipLimits{.value = 0.25}, ClipLimits{.norm = 2, .value = 0.25}})
      for (const double norm : {1.0, 3.0}) {
        add<float>(n, norm, limits);
        add<double>(n, norm, limits);
      }
});

}  // namespace
}  // namespace temper
