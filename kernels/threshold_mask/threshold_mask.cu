#include "kernels/threshold_mask/threshold_mask.h"

#include "kernels/runtime/row.h"

namespace temper {

namespace {

// A chunk is several rows, for enough warps to fill a GPU.
constexpr int kRow = 2048, kRows = PercentilePlan::kChunk / kRow;

template <class T>
struct Mask {
  const SliceChunk* chunks;
  const T *x, *thresholds;
  T* mask;
  int32_t* kept;
  TEMPER_HD void operator()(const Row& row) const {
    const SliceChunk chunk = chunks[row.index / kRows];
    const int64_t first = row.index % kRows * kRow, from = chunk.from + first;
    const T threshold = thresholds[chunk.group];
    const int32_t ones = row.first(chunk.count - first)
                             .sum(
                                 [&](int, T& mask, T v) {
                                   const int32_t one = v < threshold ? 0 : 1;
                                   mask = T(one);
                                   return one;
                                 },
                                 write(mask + from), x + from);
    row.once([&] { kept[row.index] = ones; });
  }
};

}  // namespace

int64_t threshold_mask_counters(const PercentilePlan& plan) { return plan.chunk_count() * kRows; }

template <class T>
void threshold_mask(Stream stream, const PercentilePlan& plan, const T* x, const T* thresholds, T* mask,
                    int32_t* kept) {
  const KernelRange range(stream, "threshold_mask", {plan.groups()});
  for_each_row(stream, threshold_mask_counters(plan), kRow, Mask<T>{plan.chunks(), x, thresholds, mask, kept});
}

template void threshold_mask(Stream, const PercentilePlan&, const float*, const float*, float*, int32_t*);
template void threshold_mask(Stream, const PercentilePlan&, const double*, const double*, double*, int32_t*);

std::vector<int64_t> kept_per_slice(const PercentilePlan& plan, const std::vector<int32_t>& kept) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < kept.size(); ++i) {
    const size_t slice = plan.slice_of_chunk()[i / kRows];
    if (slice >= out.size()) out.resize(slice + 1);
    out[slice] += kept[i];
  }
  return out;
}

}  // namespace temper
