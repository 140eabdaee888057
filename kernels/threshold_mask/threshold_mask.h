#pragma once
#include <cstdint>
#include <vector>

#include "kernels/percentile/percentile.h"

namespace TEMPER_API temper {

/// Counters that threshold_mask needs for a plan.
int64_t threshold_mask_counters(const PercentilePlan& plan);

/// mask[i] = 0 where x[i] < thresholds[its group], 1 elsewhere (also where either is NaN), for all values of the plan's
/// slices; what lies outside them is left alone. kept: threshold_mask_counters() counts of ones; kept_per_slice() adds
/// them up. x may be mask. f32 and f64. Deterministic. Moves 2n elements.
template <class T>
void threshold_mask(Stream stream, const PercentilePlan& plan, const T* x, const T* thresholds, T* mask, int32_t* kept);

/// Host: the ones in each of the plan's slices, in their order, from the counters.
std::vector<int64_t> kept_per_slice(const PercentilePlan& plan, const std::vector<int32_t>& kept);

}  // namespace temper
