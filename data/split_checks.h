#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"

namespace TEMPER_API temper {

/// Checks of images before a run. They throw Error for images that cannot be right, and return warnings about what is
/// possible but probably a mistake.

/// Training images, and the validation images held out of them (may be empty): only one class; classes without an
/// image.
std::vector<std::string> check_training_images(const ImageSet& train, const ImageSet& validation);

/// Test images against the training images: another size, number of channels or of classes; classes without an image.
std::vector<std::string> check_test_images(const ImageSet& test, const ImageSet& train);

}  // namespace temper
