#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/files/mapped_array.h"
#include "data/published/fingerprint.h"

namespace TEMPER_API temper {

/// Labelled images that stay in their files: (N, H, W, C) bytes, mapped into memory, of which only those are read that
/// are asked for. The labels are in memory.
class MappedImages {
 public:
  /// The images of all `files`, one file after the other. A file is an .npz whose arrays are not compressed, or a
  /// folder of .npy files: `image` or `images`, uint8 (N, H, W, C) or (N, H, W), and `label` or `labels`, whole numbers
  /// (N). Throws Error, naming the file, for anything else, and if the files' images differ in size.
  explicit MappedImages(const std::vector<std::string>& files);

  int64_t size() const { return static_cast<int64_t>(labels_.size()); }
  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  int64_t channels() const { return channels_; }
  int64_t image_bytes() const { return height_ * width_ * channels_; }
  const std::vector<int32_t>& labels() const { return labels_; }
  std::span<const char> image(int64_t i) const;

  /// Throws Error unless the images have these extents and the labels are classes.
  void check(int64_t height, int64_t width, int64_t channels, int64_t classes) const;

 private:
  struct Part {
    FileMapping image_file;
    std::string who;
    std::span<const char> images;
    int64_t first;  ///< the number of its first image
  };
  void add(const std::string& file);

  std::vector<Part> parts_;
  int64_t height_ = 0, width_ = 0, channels_ = 0;
  std::vector<int32_t> labels_;
};

/// The fingerprint of the images' number and extents, of all labels, and of the pixels of at most 1024 images, evenly
/// spaced: reading all of them would take as long as an epoch.
SetFingerprint fingerprint(const MappedImages& images);

}  // namespace temper
