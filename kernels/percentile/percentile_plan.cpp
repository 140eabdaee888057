#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/percentile/percentile_body.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

PercentileRank rank_of(double percent, int64_t n) {
  const double at = percent / 100 * static_cast<double>(n - 1), below = std::floor(at);
  return {static_cast<int64_t>(below), at - below};
}

}  // namespace

PercentilePlan::PercentilePlan(Stream stream, const std::vector<Slice>& slices, double percent) {
  TEMPER_CHECK(percent >= 0 && percent <= 100, "percentile: expected a percentage from 0 to 100, got ", percent);
  std::vector<int32_t> order(slices.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return slices[a].group < slices[b].group; });
  std::vector<SliceChunk> chunks;
  std::vector<int64_t> values;  // in each group
  for (const int32_t s : order) {
    const auto [from, count, group] = slices[s];
    if (group != static_cast<int32_t>(values.size()) - 1) {
      TEMPER_CHECK(group == static_cast<int32_t>(values.size()), "percentile: expected groups numbered from 0 without ",
                   "gaps, got ", group, " after ", values.size(), " groups");
      first_chunk_.push_back(static_cast<int64_t>(chunks.size()));
      values.push_back(0);
    }
    values.back() += count;
    for (int64_t done = 0; done < count; done += kChunk) {
      chunks.push_back({from + done, static_cast<int32_t>(std::min(kChunk, count - done)), group});
      slice_of_chunk_.push_back(s);
    }
  }
  first_chunk_.push_back(static_cast<int64_t>(chunks.size()));
  std::vector<PercentileRank> ranks;
  for (const int64_t n : values) {
    TEMPER_CHECK(n > 0, "percentile: expected at least one value in every group, got none in group ", ranks.size());
    ranks.push_back(rank_of(percent, n));
  }
  chunks_ = {stream, chunks};
  ranks_ = {stream, ranks};
  if (stream.device == Device::cpu) return;
  states_ = {stream, ranks.size()};
  histograms_ = {stream, ranks.size() * detail::kBins};
}

}  // namespace temper
