#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"

namespace TEMPER_API temper {

/// The fingerprint of a set of images (core/files/fingerprint.h). It does not depend on the file or format it was read
/// from.
struct SetFingerprint {
  int64_t count = 0;   ///< images; 0: unknown
  std::string images;  ///< extents, crop, and every pixel in the order of the images
  std::string labels;  ///< number of classes, and every label in the same order
  std::string names;   ///< class names in order; empty: the set has none

  bool known() const { return count > 0; }
  /// "2,000 images, 0123abcd / 4567cdef": of the images and of the labels
  std::string text() const;
  friend bool operator==(const SetFingerprint&, const SetFingerprint&) = default;
};

SetFingerprint fingerprint(const ImageSet& set);

/// The differences between two sets, one short sentence each: number, pixels, labels, class names. Empty if there are
/// none, or if one of the sets is unknown. Names are compared only if both sets have them.
std::vector<std::string> differences(const SetFingerprint& was, const SetFingerprint& is);

}  // namespace temper
