#pragma once
#include "core/tensor.h"

namespace temper {

/// A batch as attacks and trainers see it.
struct Batch {
  Tensor images;  ///< (N, H, W, C) f32 (f64) in [0, 1]
  Tensor labels;  ///< (N) i32
  Tensor ids;     ///< (N) i32: each sample's number in its data set, which is what its random numbers hang on

  Tensor targets = {};  ///< (N) i32, or none: the classes that an attack is to have its images taken for
  Tensor notes = {};    ///< (N) i32, zero, or none: where an attack notes what it met (kernels/gradient_notes)

  int64_t size() const { return ids.numel(); }
};

}  // namespace temper
