#include "core/plans/plan_choice.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "kernels/runtime/check.h"

namespace temper {

size_t fastest(size_t count, const std::function<double(size_t)>& seconds, TimingOptions options) {
  TEMPER_ASSERT(count > 0, "fastest: expected at least one candidate");
  std::vector<std::vector<double>> times(count);
  std::vector<bool> out(count);
  std::optional<Error> failure;
  for (int round = 0; round <= options.repeats; ++round)
    for (size_t i = 0; i < count; ++i) {
      if (out[i]) continue;
      try {
        const double t = seconds(i);
        if (round > 0) times[i].push_back(t);
      } catch (const Error& e) {
        out[i] = true;
        failure = e;
      }
    }
  std::optional<size_t> best;
  double best_time = 0;
  for (size_t i = 0; i < count; ++i) {
    if (out[i]) continue;
    auto middle = times[i].begin() + static_cast<std::ptrdiff_t>(times[i].size() / 2);
    std::nth_element(times[i].begin(), middle, times[i].end());
    if (best && *middle >= best_time * (1 - options.margin)) continue;
    best = i;
    best_time = *middle;
  }
  if (!best) throw *failure;
  return *best;
}

}  // namespace temper
