#pragma once
#include <cstdint>

#include "kernels/runtime/api.h"
#include "kernels/runtime/hd.h"

namespace TEMPER_API temper {

/// a / b, rounded up; a is not negative, b is positive.
TEMPER_HD constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace temper
