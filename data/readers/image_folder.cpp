#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>

#include "core/environment/cpus.h"
#include "core/files/file.h"
#include "core/memory/memory_limit.h"
#include "core/text.h"
#include "core/threads/parallel.h"
#include "data/dataset.h"
#include "data/pictures/exif.h"
#include "data/pictures/resize.h"
#include "data/readers/picture_files.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

constexpr Limits kSide = Limits::between(1, 16384);

/// A folder of class folders: PATH/train/CLASS/*.png and PATH/test (or val) likewise.
struct FolderReader : DatasetReader {
  enum class Fit { crop, stretch };
  enum class Orientation { stored, exif };
  std::string path;
  int size = 64, crop_from = 0;
  int channels = 3;
  Fit fit = Fit::crop;
  Orientation orientation = Orientation::stored;

  void fields(Fields& f) override {
    f("path", path, "folder with train/CLASS/*.jpg and test/CLASS/*.jpg (or val/); also .png, .webp");
    f("size", size, kSide, "images become size x size");
    f("crop_from", crop_from, kSide.or_zero(),
      "images are resized to crop_from x crop_from; training uses random crops of `size`, testing the central crop; "
      "0: no crops");
    f("channels", channels, Limits::between(1, 3), "3: colour, 1: grey");
    f.choice("fit", fit, {{"crop", Fit::crop}, {"stretch", Fit::stretch}},
             "crop: resize the shorter side, then take the centre; stretch: resize both sides");
    f.choice("orientation", orientation, {{"stored", Orientation::stored}, {"exif", Orientation::exif}},
             "stored: pixels as stored, like torchvision; exif: apply the EXIF orientation of a JPEG");
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
    std::error_code none;
    for (const char* name : names)
      if (fs::is_directory(fs::path(path) / name, none)) return fs::path(path) / name;
    fail("folder: expected a folder '", names.front(), names.size() > 1 ? cat("' or '", names.back()) : "", "' in ",
         path, " with one folder of images per class; is data.path right?");
  }

  /// Both splits must agree on what the labels mean.
  std::vector<std::string> class_names() const {
    const fs::path train = split_folder({"train"}), test = split_folder({"test", "val"});
    const std::vector<std::string> names = class_folders(train), other = class_folders(test);
    TEMPER_CHECK(!names.empty(), "folder: ", train.string(), " has no class folders");
    TEMPER_CHECK(names == other, "folder: ", train.string(), " and ", test.string(),
                 " must have the same class folders, got ", join(names), " and ", join(other));
    return names;
  }

  ImageSet read(const fs::path& split, const std::vector<std::string>& names, int side) const {
    const PictureFiles found = list_pictures(split, names);
    ImageSet set{.height = side,
                 .width = side,
                 .channels = channels,
                 .classes = static_cast<int64_t>(names.size()),
                 .labels = found.labels,
                 .class_names = names};
    if (!found.passed_over.empty()) set.notes.push_back(found.passed_over);
    const bool deep = std::any_of(found.files.begin(), found.files.end(), [](auto& f) { return is_deep(f); });
    if (deep)
      read_deep(found.files, side, set);
    else
      read_bytes(found.files, side, set);
    set.check(split.string());
    return set;
  }

  void read_bytes(const std::vector<std::string>& files, int side, ImageSet& set) const {
    const size_t values = static_cast<size_t>(side) * side * channels;
    expect_memory(path, files.size() * values);
    set.pixels.resize(files.size() * values);
    each_picture(files, side, set, [&](size_t i, const std::vector<float>& picture) {
      for (size_t v = 0; v < values; ++v)
        set.pixels[i * values + v] = static_cast<uint8_t>(std::nearbyint(picture[v] * 255));
    });
  }

  void read_deep(const std::vector<std::string>& files, int side, ImageSet& set) const {
    const size_t values = static_cast<size_t>(side) * side * channels;
    expect_memory(path, files.size() * values * sizeof(float));
    std::vector<float> all(files.size() * values);
    each_picture(files, side, set, [&](size_t i, const std::vector<float>& picture) {
      std::copy(picture.begin(), picture.end(), all.begin() + static_cast<int64_t>(i * values));
    });
    set.store(all);
  }

  /// Calls f(i, values) for every picture, side x side, from several threads. All that cannot be read, in one Error.
  template <class F>
  void each_picture(const std::vector<std::string>& files, int side, ImageSet& set, F f) const {
    std::vector<std::string> errors(files.size());
    std::atomic<int64_t> turned{0};
    in_parallel(files.size(), default_threads(), [&](size_t i) {
      try {
        f(i, picture(files[i], side, turned));
      } catch (const std::exception& e) {
        errors[i] = dynamic_cast<const Error*>(&e) ? e.what() : cat(files[i], ": cannot be read: ", e.what());
      }
    });
    const auto is_error = [](const std::string& e) { return !e.empty(); };
    const int64_t bad = std::count_if(errors.begin(), errors.end(), is_error);
    TEMPER_CHECK(bad == 0, *std::find_if(errors.begin(), errors.end(), is_error),
                 bad > 1 ? cat(" (and ", bad - 1, " more of ", files.size(), " pictures)") : "");
    if (turned > 0)
      set.notes.push_back(cat("folder: ", turned, " of ", files.size(),
                              " pictures have an EXIF orientation and were read as stored; data.orientation: exif "
                              "rotates them"));
  }

  /// The middle of a picture, side x side.
  std::vector<float> picture(const std::string& file, int side, std::atomic<int64_t>& turned) const {
    const std::vector<char> bytes = read_file(file);
    Raster in = decode_picture(file, bytes);
    if (const int how = exif_orientation(bytes); how != 1) {
      if (orientation == Orientation::exif)
        in = upright(in, how);
      else
        ++turned;
    }
    if (channels == 1) in = to_grey(in);
    int64_t h = whole(), w = whole();
    if (fit == Fit::crop && in.height < in.width) w = std::max(w, int64_t{in.width} * h / in.height);
    if (fit == Fit::crop && in.height > in.width) h = std::max(h, int64_t{in.height} * w / in.width);
    return resize(
        in, {.height = h, .width = w, .top = (h - side) / 2, .left = (w - side) / 2, .rows = side, .columns = side});
  }
};

TEMPER_REGISTER(DatasetReader, FolderReader, "folder",
                "your own images, as JPEG, PNG or WebP files in a folder per class");

}  // namespace

}  // namespace temper
