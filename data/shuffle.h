#pragma once
#include <cstdint>
#include <vector>

#include "kernels/runtime/api.h"
#include "kernels/runtime/philox.h"

namespace TEMPER_API temper {

/// 0 .. n-1 in an order that is a function of the key alone (Fisher and Yates, drawn from Philox).
std::vector<int32_t> permutation(int64_t n, const RngKey& key);

/// Batches of two sources: `own` images that are served one pass after the other, and `extra` images that are drawn.
struct MixedOrder {
  int64_t own = 0, extra = 0;
  int64_t batches = 0;
  int64_t own_rows = 0, extra_rows = 0;  ///< of each kind in a batch
};

/// The ids of an epoch's batches, one batch after the other, its own images first. Own ids are 0 .. own-1, in one
/// permutation after the other, where an epoch begins as the one before ended; so every own image is served once
/// before any is served again. Extra ids are own .. own+extra-1, drawn uniformly with replacement.
std::vector<int32_t> mixed_order(const MixedOrder& m, uint64_t seed, int64_t epoch);

}  // namespace temper
