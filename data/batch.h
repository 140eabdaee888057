#pragma once
#include "core/tensor.h"

namespace temper {

/// A batch as attacks and trainers see it.
struct Batch {
  Tensor images;  ///< (N, H, W, C) f32 (f64) in [0, 1]
  Tensor labels;  ///< (N) i32
  Tensor ids;     ///< (N) i32: each sample's number in its data set, which is what its random numbers hang on

  int64_t size() const { return ids.numel(); }
};

}  // namespace temper
