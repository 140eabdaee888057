#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"

namespace temper {

/// What is found in images before anything is computed with them. Throws Error for what cannot be right; returns what
/// is possible but hardly meant, one message each.

/// Of training images, and of those held out of them (which may be none): only one class; classes without an image.
std::vector<std::string> check_training_images(const ImageSet& train, const ImageSet& validation);

/// Of test images beside the training images they belong to: another size, number of channels or of classes; classes
/// without an image.
std::vector<std::string> check_test_images(const ImageSet& test, const ImageSet& train);

}  // namespace temper
