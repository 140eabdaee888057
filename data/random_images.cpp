#include "data/random_images.h"

#include "kernels/runtime/philox.h"

namespace temper {

ImageSet random_images(ImageSet set, int64_t count) {
  set.pixels.clear();
  set.labels.clear();
  for (int64_t i = 0; i < count * set.image_bytes(); ++i)
    set.pixels.push_back(static_cast<uint8_t>(256 * random_uniform({.seed = 1}, 0, static_cast<uint32_t>(i))));
  for (int64_t i = 0; i < count; ++i) set.labels.push_back(static_cast<int32_t>(i % set.classes));
  return set;
}

}  // namespace temper
