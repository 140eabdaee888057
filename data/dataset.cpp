#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace temper {

void ImageSet::store(const std::vector<float>& values) {
  const auto nearest = [](float v) { return static_cast<uint8_t>(std::nearbyint(v * 255)); };
  const bool bytes =
      std::all_of(values.begin(), values.end(), [&](float v) { return static_cast<float>(nearest(v)) / 255.f == v; });
  dtype = bytes ? DType::u8 : DType::f32;
  pixels.resize(values.size() * size_of(dtype));
  if (bytes)
    std::transform(values.begin(), values.end(), pixels.begin(), nearest);
  else if (!values.empty())
    std::memcpy(pixels.data(), values.data(), pixels.size());
}

ImageSet ImageSet::subset(const std::vector<int64_t>& indices) const {
  ImageSet out{.height = height,
               .width = width,
               .channels = channels,
               .classes = classes,
               .class_names = class_names,
               .crop = crop,
               .dtype = dtype,
               .notes = notes};
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
               .class_names = class_names,
               .dtype = dtype,
               .notes = notes};
  const int64_t top = (height - crop) / 2, left = (width - crop) / 2;
  for (int64_t row = 0; row < size() * crop; ++row) {
    const int64_t image = row / crop, y = top + row % crop;
    const auto from = pixels.begin() + ((image * height + y) * width + left) * pixel_bytes();
    out.pixels.insert(out.pixels.end(), from, from + crop * pixel_bytes());
  }
  return out;
}

void ImageSet::check(const std::string& who) const {
  TEMPER_CHECK(size() > 0, who, ": holds no images");
  TEMPER_CHECK(height > 0 && width > 0 && channels > 0, who, ": images are ", height, " x ", width, " x ", channels,
               ", and one without pixels cannot be classified");
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
