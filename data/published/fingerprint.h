#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"

namespace temper {

/// What tells one set of images from another (core/files/fingerprint.h), whatever file or format it was read from.
struct SetFingerprint {
  int64_t count = 0;   ///< images; 0: not on record
  std::string images;  ///< extents, crop, and every pixel in the order of the images
  std::string labels;  ///< number of classes, and every label in the same order
  std::string names;   ///< class names in order; empty: the set has none

  bool known() const { return count > 0; }
  /// "2,000 images, 0123abcd / 4567cdef": of the images and of the labels
  std::string text() const;
  friend bool operator==(const SetFingerprint&, const SetFingerprint&) = default;
};

SetFingerprint fingerprint(const ImageSet& set);

/// What differs between two sets, one short sentence each: their number, pixels, labels, class names. Empty where
/// nothing does, or where one of them is not on record; names are compared where both sets have some.
std::vector<std::string> differences(const SetFingerprint& was, const SetFingerprint& is);

}  // namespace temper
