#include "data/dataset.h"

#include <algorithm>

namespace temper {

ImageSet ImageSet::subset(const std::vector<int64_t>& indices) const {
  ImageSet out{.height = height,
               .width = width,
               .channels = channels,
               .classes = classes,
               .class_names = class_names,
               .crop = crop};
  out.pixels.reserve(indices.size() * image_bytes());
  out.labels.reserve(indices.size());
  for (const int64_t i : indices) {
    TEMPER_CHECK(i >= 0 && i < size(), "subset: index ", i, " is not in a set of ", size(), " images");
    const auto from = pixels.begin() + i * image_bytes();
    out.pixels.insert(out.pixels.end(), from, from + image_bytes());
    out.labels.push_back(labels[i]);
  }
  return out;
}

ImageSet ImageSet::center() const {
  if (crop == 0) return *this;
  ImageSet out{.height = crop,
               .width = crop,
               .channels = channels,
               .classes = classes,
               .labels = labels,
               .class_names = class_names};
  const int64_t top = (height - crop) / 2, left = (width - crop) / 2;
  for (int64_t row = 0; row < size() * crop; ++row) {
    const int64_t image = row / crop, y = top + row % crop;
    const auto from = pixels.begin() + ((image * height + y) * width + left) * channels;
    out.pixels.insert(out.pixels.end(), from, from + crop * channels);
  }
  return out;
}

void ImageSet::check(const std::string& who) const {
  TEMPER_CHECK(size() > 0, who, ": holds no images");
  TEMPER_CHECK(static_cast<int64_t>(pixels.size()) == size() * image_bytes(), who, ": ", size(), " labels of ", height,
               " x ", width, " x ", channels, " images need ", size() * image_bytes(), " pixel bytes, got ",
               pixels.size());
  TEMPER_CHECK(crop >= 0 && crop <= std::min(height, width), who, ": images are ", height, " x ", width,
               " so random crops can have a side of 1 to ", std::min(height, width), " (0: none), got ", crop);
  for (int64_t i = 0; i < size(); ++i)
    TEMPER_CHECK(labels[i] >= 0 && labels[i] < classes, who, ": the label of image ", i, " is ", labels[i],
                 ", which is not in [0, ", classes, "); is this the right file?");
}

}  // namespace temper
