#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/registry.h"
#include "kernels/runtime/dtype.h"

namespace temper {

/// Labelled images in host memory, (N, H, W, C), row by row. One split of a data set.
struct ImageSet {
  int64_t height = 0, width = 0, channels = 0, classes = 0;
  std::vector<uint8_t> pixels;  ///< the bytes of their values, which are of type `dtype`
  std::vector<int32_t> labels;
  std::vector<std::string> class_names;  ///< may be empty
  int64_t crop = 0;                      ///< random squares of this side are trained on; 0: whole images
  DType dtype = DType::u8;               ///< u8: k stands for k / 255; f32: values in [0, 1]
  std::vector<std::string> notes;        ///< what a user should know of the reading, such as files passed over

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  int64_t pixel_bytes() const { return channels * static_cast<int64_t>(size_of(dtype)); }
  int64_t image_bytes() const { return height * width * pixel_bytes(); }
  /// Takes values in [0, 1] as the pixels, as bytes where each is a k / 255, and else as f32.
  void store(const std::vector<float>& values);
  /// The images at `indices`, in that order.
  ImageSet subset(const std::vector<int64_t>& indices) const;
  /// The squares of side `crop` in the middle of the images, or the images themselves where crop is 0.
  ImageSet center() const;
  /// Throws Error, naming `who`, unless there is an image per label and every label lies in [0, classes).
  void check(const std::string& who) const;
};

/// A data set as named in the `data` section: reads its splits from files, checking sizes, ranges and, where they are
/// official, checksums. Throws Error naming the file and what to do.
class DatasetReader {
 public:
  virtual ~DatasetReader() = default;
  virtual void fields(Fields&) {}
  virtual ImageSet train() const = 0;
  virtual ImageSet test() const = 0;
};

}  // namespace temper
