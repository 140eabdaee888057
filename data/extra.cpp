#include "data/extra.h"

namespace temper {

void ExtraSection::fields(Fields& f) {
  f("files", files,
    "further training images, such as generated ones, which stay in their files: .npz files that are not compressed, or "
    "folders of .npy, with image and label; []: none");
  f("share", share, Limits::at_least(0).up_to(1), "share of every batch that they fill, rounded down to whole images");
  f("epoch_images", epoch_images, Limits::at_least(0),
    "images per epoch, of both kinds together; 0: as many as the data set has, as papers count epochs");
  if (f.has("augment"))
    f.section("augment", augment.emplace());
  else
    f.enter("augment");  // known, and the run's own where it is not given
  if (on() && share == 0) f.reject("share", "expected more than 0 because files names images, got 0");
  if (!on() && share > 0)
    f.reject("share", "expected 0 because there are no images to fill it: set files, or leave share out, got ", share);
}

}  // namespace temper
