#pragma once
#include "core/tensor.h"

namespace TEMPER_API temper {

/// A batch for attacks and trainers.
struct Batch {
  Tensor images;  ///< (N, H, W, C) f32 (f64) in [0, 1]
  Tensor labels;  ///< (N) i32
  Tensor ids;     ///< (N) i32: index of each sample in its data set; selects its random numbers

  Tensor targets = {};  ///< (N) i32: the target classes of a targeted attack; empty: untargeted
  Tensor notes = {};    ///< (N) i32, zeroed: an attack writes its findings here (kernels/gradient_notes); may be empty

  Tensor other_labels = {};  ///< (N) i32: the second label of an image that was mixed from two; empty: none are mixed
  Tensor other_share = {};   ///< (N) of the images' type: the second label's share

  int64_t size() const { return ids.numel(); }
};

}  // namespace temper
