#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// loss_r = 1 - cos(a_r, b_r), cos = a.b / (max(|a|, 1e-8) * max(|b|, 1e-8)), for each row of (rows, cols), with
/// da = d(loss_r)/d(a_r) = (cos * a/|a| - b/|b|) / |a| and db likewise; a null pointer: not wanted. A row of norm 1e-8
/// or less has no direction: its gradient is 0 (PyTorch's cosine_similarity, which this follows otherwise, gives up to
/// 1e8 there). Nothing may alias. Deterministic: a row's result depends on that row alone. f32 and f64. Moves
/// 4 * rows * cols, less n for each gradient that is not wanted.
template <class T>
void cosine_distance(Stream stream, int64_t rows, int cols, T* loss, T* da, T* db, const T* a, const T* b);

}  // namespace temper
