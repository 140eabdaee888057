#pragma once
// The epilogue of a 3x3 convolution: bias, addition, mask and ReLU in registers, and the write to memory. Templates
// over a vector type (instruction_set.h).
#include "kernels/runtime/conv3x3.h"

namespace TEMPER_API temper {
namespace conv3x3 {

/// y <- max(lowest, (mask > 0) * (y + add)) for kCount pixels `stride` apart. The elements `ahead` of `add` and `mask`
/// are prefetched for the next tile.
template <int kCount, class Vec, class T>
inline __attribute__((always_inline)) void apply_epilogue(Vec y[kCount], const T* add, const T* mask, Vec lowest,
                                                          int64_t stride, int64_t ahead) {
  if (add)
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      y[j] = y[j] + Vec::load(add + j * stride);
      __builtin_prefetch(add + j * stride + ahead);
    }
  if (mask)
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      y[j] = where_above_zero(Vec::load(mask + j * stride), y[j]);
      __builtin_prefetch(mask + j * stride + ahead);
    }
#pragma GCC unroll 8
  for (int j = 0; j < kCount; ++j) y[j] = at_least(lowest, y[j]);
}

template <class Vec, class T>
Vec with_epilogue(Vec y, const T* add, const T* mask, Vec lowest, int64_t ahead) {
  Vec one[] = {y};
  apply_epilogue<1>(one, add, mask, lowest, 0, ahead);
  return one[0];
}

/// The lower bound of the results: 0 with a ReLU.
template <class Vec, class T>
Vec lowest_result(const ConvOperands<T>& o) {
  return Vec::broadcast(o.relu ? 0 : -__builtin_inff());
}

/// The part of y that a tile writes: `lanes` channels, from `channel` on, of `rows` by `cols` pixels from `corner` on,
/// no result less than `lowest`. The next tile's part lies `ahead`.
template <class Vec>
struct OutputTile {
  int64_t corner, channel, rows, cols, lanes, ahead;
  Vec lowest;
};

/// Writes kLanes channels of kCount pixels `pixel` apart, or of the first `to.cols` of them, from element `at` on.
template <int kCount, class Vec, class T>
inline __attribute__((always_inline)) void write_row(const ConvOperands<T>& o, const OutputTile<Vec>& to, int64_t at,
                                                     int64_t pixel, Vec bias, const Vec row[kCount]) {
  const T *const add = o.add ? o.add + at : nullptr, *const mask = o.mask ? o.mask + at : nullptr;
  T* const y = o.y + at;
  if (to.cols >= kCount) [[likely]] {
    Vec out[kCount];
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) out[j] = row[j] + bias;
    apply_epilogue<kCount>(out, add, mask, to.lowest, pixel, to.ahead);
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j) {
      store(y + j * pixel, out[j]);
      __builtin_prefetch(y + j * pixel + to.ahead, 1);
    }
    return;
  }
#pragma GCC unroll 8
  for (int j = 0; j < kCount; ++j)
    if (j < to.cols)
      store(y + j * pixel, with_epilogue(row[j] + bias, add ? add + j * pixel : nullptr,
                                         mask ? mask + j * pixel : nullptr, to.lowest, to.ahead));
}

}  // namespace conv3x3
}  // namespace temper
