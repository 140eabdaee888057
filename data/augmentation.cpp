#include "data/augmentation.h"

namespace temper {

void Augmentation::fields(Fields& f) {
  f("crop_pad", crop_pad, Limits::between(0, 1024),
    "random crops of the image padded by this many pixels on every side; 0: none");
  f.choice("padding", padding, {{"zero", Padding::zero}, {"reflect", Padding::reflect}},
           "value of the padding: "
           "zeros, or the image "
           "mirrored at its edges");
  f.choice("flip", flip, {{"none", Flip::none}, {"random", Flip::random}}, "mirror half of the images left to right");
  f("cutout", cutout, Limits::between(0, 1024),
    "side of a square of zeros at a random place of each image (Cutout); even, or one less is taken; 0: none");
}

void BatchAugmentation::fields(Fields& f) {
  Augmentation::fields(f);
  f("cutmix", cutmix, Limits::between(0, 1),
    "probability that a box of an image is taken from another image of the batch, with its share of that image's label "
    "(CutMix); 0: off");
}

}  // namespace temper
