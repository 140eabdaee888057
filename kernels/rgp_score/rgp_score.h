#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// How two gradients of one weight become its prominence. `abs` is the paper's, `signed_sum` its authors' code's.
enum class RgpForm : uint8_t { abs, signed_sum, abs_of_sum };

/// Robust gradient prominence of n weights (Gowda et al. 2024, CURE, eq. 4), natural and robust gradient in, score out:
///   abs:        alpha |natural| + (1 - alpha) |robust|
///   signed_sum: alpha natural + (1 - alpha) robust
///   abs_of_sum: |alpha natural + (1 - alpha) robust|
/// score may be either input. f32 and f64. Moves 3n elements.
template <class T>
void rgp_score(Stream stream, int64_t n, T* score, const T* natural, const T* robust, double alpha, RgpForm form);

}  // namespace temper
