#pragma once
#include "data/dataset.h"

namespace TEMPER_API temper {

/// `set.height`, `width`, `channels` and `classes`, filled with `count` images of uniform random bytes, always the same
/// ones, and the labels 0, 1, 2, ... in turn: for measurements of speed.
ImageSet random_images(ImageSet set, int64_t count);

}  // namespace temper
