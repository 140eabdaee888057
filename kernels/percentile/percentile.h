#pragma once
#include <cstdint>
#include <vector>

#include "kernels/runtime/device_array.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Neighbouring values in a flat buffer and the group they count towards, from 0: a group for every slice gives each
/// tensor its own percentile, one group for all a global one.
struct Slice {
  int64_t from = 0, count = 0;
  int32_t group = 0;
};

/// A piece of a slice, at most PercentilePlan::kChunk values.
struct SliceChunk {
  int64_t from;
  int32_t count, group;
};

/// Where a percentile lies among the sorted values of its group: `fraction` of the way from the one with `below` values
/// before it to the next.
struct PercentileRank {
  int64_t below;
  double fraction;
};

/// What the CUDA half keeps per group while it selects.
struct PercentileState {
  uint64_t prefix;  ///< the digits of the key found so far
  uint64_t next;    ///< the least key above it
  int64_t left;     ///< values of the group with this prefix that come before the wanted one
  int64_t in_bin;   ///< values of the group with this prefix
};

/// Which values percentile() ranks, prepared once: the slices cut into chunks and the ranks, on the stream's device,
/// and scratch for the selection, so that one plan serves one stream at a time. Throws Error for a percentage outside
/// [0, 100], for an empty group, and where group numbers have gaps.
class PercentilePlan {
 public:
  static constexpr int64_t kChunk = 16384;

  PercentilePlan(Stream stream, const std::vector<Slice>& slices, double percent);

  int groups() const { return static_cast<int>(ranks_.size()); }
  int64_t chunk_count() const { return static_cast<int64_t>(chunks_.size()); }
  /// Chunks of group g are first_chunk()[g] up to first_chunk()[g + 1]. On the host.
  const std::vector<int64_t>& first_chunk() const { return first_chunk_; }
  /// Which of the slices, in the order given, each chunk is a part of. On the host.
  const std::vector<int32_t>& slice_of_chunk() const { return slice_of_chunk_; }

  // On the device:
  const SliceChunk* chunks() const { return chunks_.data(); }
  const PercentileRank* ranks() const { return ranks_.data(); }
  PercentileState* states() const { return states_.data(); }
  uint32_t* histograms() const { return histograms_.data(); }

 private:
  std::vector<int64_t> first_chunk_;
  std::vector<int32_t> slice_of_chunk_;
  DeviceArray<SliceChunk> chunks_;
  DeviceArray<PercentileRank> ranks_;
  DeviceArray<PercentileState> states_;
  DeviceArray<uint32_t> histograms_;
};

/// thresholds[g] = the plan's percentile of the values x of group g, by NumPy's linear rule: with v = percent / 100 *
/// (n - 1), the value of rank floor(v) plus v's fraction of the way to the next. Computed in double from exact order
/// statistics; for f32 rounded up, so that x < threshold holds for the same values as before rounding. Negative values
/// sort by value. Radix selection on order-preserving integers with integer histograms: exact and the same on every
/// device and for any number of threads. Stays on the device. Reads x 4 times in f32, 7 times in f64. With a NaN among
/// the values the threshold may be NaN.
template <class T>
void percentile(Stream stream, PercentilePlan& plan, const T* x, T* thresholds);

}  // namespace temper
