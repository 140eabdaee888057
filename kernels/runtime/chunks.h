#pragma once
// How reductions over the rows of a (rows, channels) matrix are split into chunks.
#include <algorithm>
#include <cstdint>

#include "kernels/runtime/api.h"
#include "kernels/runtime/hd.h"

namespace TEMPER_API temper {

/// Rows are reduced chunk by chunk, then the chunks in order. Cut by the extents alone; a chunk of the smallest size
/// stays in a CPU core's cache, so that reading it a second time is free.
struct Chunks {
  int64_t rows, size, count;  ///< all rows; rows of a chunk (the last may have fewer); number of chunks
  Chunks(int64_t n, int channels, int64_t most = int64_t{1} << 40) : rows(n) {
    size = std::max<int64_t>(32, 8192 / channels);
    size = std::max(size, (n + most - 1) / most);
    count = (n + size - 1) / size;
  }
  TEMPER_HD int64_t rows_of(int64_t k) const { return k + 1 < count ? size : rows - k * size; }
};

}  // namespace temper
