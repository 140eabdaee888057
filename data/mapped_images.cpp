#include "data/mapped_images.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/files/fingerprint.h"
#include "core/files/folders.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kFingerprinted = 1024;

/// The file that has the array: the .npz itself, or NAME.npy in a folder.
std::string file_of(const std::string& file, const std::vector<std::string>& names) {
  if (!is_folder(file)) {
    TEMPER_CHECK(file.ends_with(".npz"), file, ": expected an .npz file, or a folder with ", names[0], ".npy");
    return file;
  }
  for (const std::string& name : names)
    if (const fs::path path = fs::path(file) / (name + ".npy"); fs::exists(path)) return path.string();
  fail(file, ": expected ", names[0], ".npy or ", names[1], ".npy in this folder");
}

template <class T>
void append_labels(const MappedArray& a, std::vector<int32_t>& labels) {
  for (size_t at = 0; at < a.data.size(); at += sizeof(T)) {
    T label;
    std::memcpy(&label, a.data.data() + at, sizeof label);
    TEMPER_CHECK(std::in_range<int32_t>(label), a.who, ": element ", at / sizeof(T), " is ", label,
                 ", which is no class number");
    labels.push_back(static_cast<int32_t>(label));
  }
}

void read_labels(const MappedArray& a, std::vector<int32_t>& labels) {
  TEMPER_CHECK(a.header.shape.size() == 1, a.who, ": expected one label per image, so one extent, got ",
               a.header.shape.size());
  labels.reserve(labels.size() + static_cast<size_t>(a.header.shape[0]));
  const std::string type = a.header.type.substr(2, 2);
  if (type == "i8") return append_labels<int64_t>(a, labels);
  if (type == "i4") return append_labels<int32_t>(a, labels);
  if (type == "u1") return append_labels<uint8_t>(a, labels);
  fail(a.who, ": type ", a.header.type, " is not supported for labels; expected int64, int32 or uint8");
}

}  // namespace

MappedImages::MappedImages(const std::vector<std::string>& files) {
  for (const std::string& file : files) add(file);
  TEMPER_CHECK(size() > 0, "data.extra.files: hold no images");
}

void MappedImages::add(const std::string& file) {
  const std::vector<std::string> image{"images", "image"}, label{"labels", "label"};
  const std::string path = file_of(file, image), label_path = file_of(file, label);
  FileMapping mapping(path);
  const MappedArray a = mapped_array(path, mapping, image);
  const std::vector<int64_t>& shape = a.header.shape;
  TEMPER_CHECK(a.header.dtype == DType::u8 && (shape.size() == 3 || shape.size() == 4), a.who,
               ": expected uint8 images (N, H, W, C), got ", a.header.type, " with ", shape.size(), " extents");
  const int64_t channels = shape.size() == 4 ? shape[3] : 1;
  if (parts_.empty()) height_ = shape[1], width_ = shape[2], channels_ = channels;
  TEMPER_CHECK(shape[1] == height_ && shape[2] == width_ && channels == channels_, a.who, ": images are ", shape[1],
               " x ", shape[2], " x ", channels, ", but those of ", parts_.front().who, " are ", height_, " x ", width_,
               " x ", channels_);
  const int64_t first = size();
  const FileMapping labels(label_path);
  const MappedArray l = mapped_array(label_path, labels, label);
  read_labels(l, labels_);
  TEMPER_CHECK(size() - first == shape[0], l.who, ": ", size() - first, " labels for ", shape[0], " images");
  TEMPER_CHECK(size() <= INT32_MAX / 2, a.who, ": expected at most ", INT32_MAX / 2, " images in all, got ", size());
  parts_.push_back({std::move(mapping), a.who, a.data, first});
}

std::span<const char> MappedImages::image(int64_t i) const {
  const auto after = std::upper_bound(parts_.begin(), parts_.end(), i,
                                      [](int64_t index, const Part& part) { return index < part.first; });
  const Part& part = *std::prev(after);
  return part.images.subspan(static_cast<size_t>((i - part.first) * image_bytes()), static_cast<size_t>(image_bytes()));
}

void MappedImages::check(int64_t height, int64_t width, int64_t channels, int64_t classes) const {
  TEMPER_CHECK(height == height_ && width == width_ && channels == channels_, parts_.front().who, ": images are ",
               height_, " x ", width_, " x ", channels_, ", but the training images are ", height, " x ", width, " x ",
               channels, "; both go into one batch");
  for (const Part& part : parts_) {
    const auto end = part.first + static_cast<int64_t>(part.images.size()) / image_bytes();
    for (int64_t i = part.first; i < end; ++i)
      TEMPER_CHECK(labels_[i] >= 0 && labels_[i] < classes, part.who, ": the label of image ", i - part.first, " is ",
                   labels_[i], ", which is not in [0, ", classes, "); are these images of the same classes?");
  }
}

SetFingerprint fingerprint(const MappedImages& images) {
  Fingerprinter pixels, labels;
  for (const int64_t extent : {images.size(), images.height(), images.width(), images.channels()}) pixels.add(extent);
  const int64_t taken = std::min(images.size(), kFingerprinted);
  for (int64_t i = 0; i < taken; ++i) {
    const std::span<const char> image = images.image(i * images.size() / taken);
    pixels.add(image.data(), image.size());
  }
  labels.add(images.labels().data(), images.labels().size() * sizeof(int32_t));
  return {.count = images.size(), .images = pixels.text(), .labels = labels.text()};
}

}  // namespace temper
