#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#include <stb_image.h>
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#if __has_include(<stb_image_resize2.h>)
#include <stb_image_resize2.h>
#else
#include <stb_image_resize.h>
#endif

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/file.h"
#include "data/dataset.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

constexpr Limits kSide = Limits::between(1, 16384);

struct Decoded {
  int h = 0, w = 0;
  std::vector<uint8_t> pixels;
};

Decoded decode(const std::string& file, int channels) {
  const std::vector<char> bytes = read_file(file);
  Decoded out;
  int found = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> data(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &out.w,
                            &out.h, &found, channels),
      stbi_image_free);
  TEMPER_CHECK(data, file, ": cannot be read as JPEG or PNG: ", stbi_failure_reason(), "; remove or replace it");
  out.pixels.assign(data.get(), data.get() + int64_t{out.h} * out.w * channels);
  return out;
}

Decoded resized(const Decoded& in, int h, int w, int channels) {
  if (in.h == h && in.w == w) return in;
  Decoded out{h, w, std::vector<uint8_t>(int64_t{h} * w * channels)};
#if __has_include(<stb_image_resize2.h>)
  stbir_resize_uint8_linear(in.pixels.data(), in.w, in.h, 0, out.pixels.data(), w, h, 0,
                            channels == 1 ? STBIR_1CHANNEL : STBIR_RGB);
#else
  stbir_resize_uint8(in.pixels.data(), in.w, in.h, 0, out.pixels.data(), w, h, 0, channels);
#endif
  return out;
}

/// A folder of class folders: PATH/train/CLASS/*.png and PATH/test (or val) likewise.
struct FolderReader : DatasetReader {
  enum class Fit { crop, stretch };
  std::string path;
  int size = 64, crop_from = 0;
  int channels = 3;
  Fit fit = Fit::crop;

  void fields(Fields& f) override {
    f("path", path, "folder with train/CLASS/*.jpg and test/CLASS/*.jpg (or val/)");
    f("size", size, kSide, "images become size x size");
    f("crop_from", crop_from, kSide.or_zero(),
      "training images become crop_from x crop_from, of which random crops of `size` are trained on; test images the "
      "middle of that; 0: `size`");
    f("channels", channels, Limits::between(1, 3), "3: colour, 1: grey");
    f.choice("fit", fit, {{"crop", Fit::crop}, {"stretch", Fit::stretch}},
             "crop: shorter side resized to that, then the centre; stretch: both sides resized");
    if (crop_from != 0 && crop_from < size)
      f.reject("crop_from", "expected 0 or at least size (", size, "), got ", crop_from);
    if (channels != 1 && channels != 3) f.reject("channels", "expected 1 or 3, got ", channels);
  }

  ImageSet train() const override {
    ImageSet set = read(split_folder({"train"}), class_names(), whole());
    if (whole() > size) set.crop = size;
    return set;
  }
  ImageSet test() const override { return read(split_folder({"test", "val"}), class_names(), size); }

 private:
  /// What pictures are resized to, before anything is cut from them.
  int whole() const { return crop_from ? crop_from : size; }

  fs::path split_folder(const std::vector<const char*>& names) const {
    TEMPER_CHECK(!path.empty(), "folder: set data.path to a folder with train/ and test/ (or val/)");
    for (const char* name : names)
      if (fs::is_directory(fs::path(path) / name)) return fs::path(path) / name;
    fail("folder: expected a folder '", names.front(), names.size() > 1 ? cat("' or '", names.back()) : "", "' in ",
         path, " with one folder of images per class; is data.path right?");
  }

  static std::vector<std::string> folders(const fs::path& root) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root))
      if (entry.is_directory()) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  /// Both splits must agree on what the labels mean.
  std::vector<std::string> class_names() const {
    const fs::path train = split_folder({"train"}), test = split_folder({"test", "val"});
    const std::vector<std::string> names = folders(train), other = folders(test);
    TEMPER_CHECK(!names.empty(), "folder: ", train.string(), " has no class folders");
    TEMPER_CHECK(names == other, "folder: ", train.string(), " and ", test.string(),
                 " must have the same class folders, got ", join(names), " and ", join(other));
    return names;
  }

  static std::vector<std::string> files(const fs::path& folder) {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::string ending = entry.path().extension().string();
      std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
      if (ending == ".jpg" || ending == ".jpeg" || ending == ".png") out.push_back(entry.path().string());
    }
    TEMPER_CHECK(!out.empty(), "folder: ", folder.string(), " has no .jpg, .jpeg or .png files");
    std::sort(out.begin(), out.end());
    return out;
  }

  ImageSet read(const fs::path& split, const std::vector<std::string>& names, int side) const {
    ImageSet set{.height = side,
                 .width = side,
                 .channels = channels,
                 .classes = static_cast<int64_t>(names.size()),
                 .class_names = names};
    std::vector<std::string> all;
    for (size_t k = 0; k < names.size(); ++k)
      for (std::string& file : files(split / names[k])) {
        all.push_back(std::move(file));
        set.labels.push_back(static_cast<int32_t>(k));
      }
    set.pixels.resize(all.size() * set.image_bytes());
    std::vector<std::string> errors(all.size());
#pragma omp parallel for schedule(dynamic, 8)
    for (size_t i = 0; i < all.size(); ++i) {
      try {
        place(decode(all[i], channels), side, set.pixels.data() + i * set.image_bytes());
      } catch (const Error& e) {
        errors[i] = e.what();
      }
    }
    for (const std::string& error : errors) TEMPER_CHECK(error.empty(), error);
    return set;
  }

  /// The middle of a picture, side x side.
  void place(const Decoded& picture, int side, uint8_t* to) const {
    int h = whole(), w = whole();
    if (fit == Fit::crop && picture.h < picture.w)
      w = std::max(w, static_cast<int>(int64_t{picture.w} * h / picture.h));
    if (fit == Fit::crop && picture.h > picture.w)
      h = std::max(h, static_cast<int>(int64_t{picture.h} * w / picture.w));
    const Decoded resized_picture = resized(picture, h, w, channels);
    const int top = (h - side) / 2, left = (w - side) / 2, row = side * channels;
    for (int y = 0; y < side; ++y)
      std::copy_n(resized_picture.pixels.data() + (int64_t{top + y} * w + left) * channels, row, to + int64_t{y} * row);
  }
};

TEMPER_REGISTER(DatasetReader, FolderReader, "folder", "your own images, as JPEG or PNG files in a folder per class");

}  // namespace

}  // namespace temper
