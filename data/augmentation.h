#pragma once
#include "core/config/config.h"
#include "kernels/augment/augment.h"

namespace TEMPER_API temper {

/// The augmentation of training images (kernels/augment).
struct Augmentation {
  int crop_pad = 0;
  Padding padding = Padding::zero;
  Flip flip = Flip::none;
  int cutout = 0;
  void fields(Fields& f);
};

/// The `augment` section: what is done to each image, and then between the images of a batch.
struct BatchAugmentation : Augmentation {
  double cutmix = 0;  ///< probability of an image to be mixed with another (kernels/cut_mix)
  void fields(Fields& f);
};

}  // namespace temper
