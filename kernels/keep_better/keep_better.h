#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// For each row of (rows, cols): where score_r >= best_score_r, best_r = candidate_r and best_score_r = score_r. Later
/// ties win; a NaN never does. f32 and f64. Moves at most 2 * rows * cols elements.
template <class T>
void keep_better(Stream stream, int64_t rows, int cols, T* best, T* best_score, const T* candidate, const T* score);

}  // namespace temper
