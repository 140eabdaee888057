#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/registry.h"
#include "kernels/runtime/dtype.h"

namespace TEMPER_API temper {

/// One split of a data set: labelled images in host memory, (N, H, W, C), row by row.
struct ImageSet {
  int64_t height = 0, width = 0, channels = 0, classes = 0;
  std::vector<uint8_t> pixels;  ///< the values, of type `dtype`, as bytes
  std::vector<int32_t> labels;
  std::vector<std::string> class_names;  ///< may be empty
  int64_t crop = 0;                      ///< training takes random crops of this side; 0: whole images
  DType dtype = DType::u8;               ///< u8: k means k / 255; f32: values in [0, 1]
  std::vector<std::string> notes;        ///< notes for the user from reading, such as files that were ignored

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  int64_t pixel_bytes() const { return channels * static_cast<int64_t>(size_of(dtype)); }
  int64_t image_bytes() const { return height * width * pixel_bytes(); }
  /// Sets the pixels from values in [0, 1]: as u8 if every value is k / 255, else as f32.
  void store(const std::vector<float>& values);
  /// The images at `indices`, in that order.
  ImageSet subset(const std::vector<int64_t>& indices) const;
  /// The central crops of side `crop`, or the images themselves if crop is 0.
  ImageSet center() const;
  /// Throws Error, naming `who`, unless there is an image per label and every label lies in [0, classes).
  void check(const std::string& who) const;
};

/// How many images a data set has, and of which kind.
struct DataSize {
  int64_t train = 0, test = 0;
  int64_t height = 0, width = 0, channels = 0, classes = 0;
};

/// A data set of the `data` section. Reads its splits from files and checks sizes, ranges and, for official files,
/// checksums. Throws Error naming the file and what to do.
class DatasetReader {
 public:
  virtual ~DatasetReader() = default;
  virtual void fields(Fields&) {}
  virtual ImageSet train() const = 0;
  virtual ImageSet test() const = 0;
  /// Where it is known without reading the images; empty: it is not.
  virtual std::optional<DataSize> size() const { return {}; }
};

}  // namespace temper
