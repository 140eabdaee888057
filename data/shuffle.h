#pragma once
#include <cstdint>
#include <vector>

#include "kernels/runtime/api.h"
#include "kernels/runtime/philox.h"

namespace TEMPER_API temper {

/// 0 .. n-1 in an order that is a function of the key alone (Fisher and Yates, drawn from Philox).
std::vector<int32_t> permutation(int64_t n, const RngKey& key);

}  // namespace temper
