#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/folders.h"
#include "core/npz.h"
#include "core/tensor.h"
#include "data/dataset.h"

namespace temper {

namespace {

/// Calls f(i, value) for every element, as a number.
template <class F>
void each_value(const std::string& who, const NamedArray& a, F f) {
  const auto visit = [&](auto tag) {
    using T = decltype(tag);
    for (int64_t i = 0; i < a.numel(); ++i) {
      T v;
      std::memcpy(&v, a.bytes.data() + i * sizeof(T), sizeof(T));
      f(i, static_cast<double>(v));
    }
  };
  switch (a.dtype) {
    case DType::u8: return visit(uint8_t{});
    case DType::i32: return visit(int32_t{});
    case DType::i64: return visit(int64_t{});
    case DType::f32: return visit(float{});
    case DType::f64: return visit(double{});
    default: fail(who, ": expected numbers, got ", a.dtype);
  }
}

/// Images and labels in NumPy archives.
struct NpzReader : DatasetReader {
  enum class Layout { nhwc, nchw };
  std::string path;
  Layout layout = Layout::nhwc;
  int64_t classes = 0;

  void fields(Fields& f) override {
    f("path", path,
      ".npz with train_images, train_labels, test_images, test_labels; or a folder with train.npz and test.npz, each "
      "with images, labels");
    f.choice("layout", layout, {{"nhwc", Layout::nhwc}, {"nchw", Layout::nchw}}, "order of the images' extents");
    f("classes", classes, Limits::between(2, 1e6).or_zero(),
      "number of classes; 0: the largest training label plus one");
  }
  ImageSet train() const override { return read("train"); }
  ImageSet test() const override { return read("test"); }

 private:
  struct Split {
    std::string file;
    std::vector<NamedArray> arrays;
    std::string prefix;

    const NamedArray& array(const std::string& what) const {
      std::vector<std::string> names;
      for (const NamedArray& a : arrays) {
        if (a.name == prefix + what) return a;
        names.push_back(a.name);
      }
      fail(file, ": expected an array '", prefix, what, "', got ", join(names));
    }
  };

  Split open(const std::string& split) const {
    TEMPER_CHECK(!path.empty(), "npz: set data.path to an .npz file or to a folder with train.npz and test.npz");
    if (!is_folder(path)) return {path, load_npz(path), split + "_"};
    const std::string file = (std::filesystem::path(path) / (split + ".npz")).string();
    return {file, load_npz(file), ""};
  }

  ImageSet read(const std::string& name) const {
    const Split split = open(name);
    ImageSet set = images(split.file, split.array("images"));
    set.labels = labels(split.file, split.array("labels"));
    set.classes = classes;
    if (classes == 0) {
      const Split train = name == "train" ? split : open("train");
      for (const int32_t label : labels(train.file, train.array("labels")))
        set.classes = std::max<int64_t>(set.classes, label + 1);
    }
    set.check(split.file);
    return set;
  }

  ImageSet images(const std::string& file, const NamedArray& a) const {
    const std::string who = file + ": " + a.name;
    Shape shape;
    if (a.shape.size() == 3)
      shape = {a.shape[0], a.shape[1], a.shape[2], 1};
    else if (a.shape.size() == 4 && layout == Layout::nhwc)
      shape = {a.shape[0], a.shape[1], a.shape[2], a.shape[3]};
    else if (a.shape.size() == 4)
      shape = {a.shape[0], a.shape[2], a.shape[3], a.shape[1]};
    else
      fail(who, ": expected images with 4 extents (or 3: one channel), got ", a.shape.size());
    TEMPER_CHECK(a.shape.size() == 3 || shape[3] <= 4, who, ": has ", shape[3],
                 " channels, more than 4; is data.layout right?");
    TEMPER_CHECK(a.dtype == DType::u8 || a.dtype == DType::f32 || a.dtype == DType::f64, who,
                 ": expected uint8 or floating point in [0, 1], got ", a.dtype);
    ImageSet set{.height = shape[1], .width = shape[2], .channels = shape[3]};
    set.pixels.resize(a.numel());
    const int64_t c = shape[3], plane = shape[1] * shape[2];
    const bool planes = layout == Layout::nchw && a.shape.size() == 4;
    const double scale = a.dtype == DType::u8 ? 1 : 255;
    each_value(who, a, [&](int64_t i, double v) {
      TEMPER_CHECK(v >= 0 && v * scale <= 255, who, ": element ", i, " is ", v,
                   "; expected values in [0, 1]: divide by the largest, or store uint8");
      const int64_t at = planes ? i / (c * plane) * c * plane + i % plane * c + i / plane % c : i;
      set.pixels[at] = static_cast<uint8_t>(std::nearbyint(v * scale));
    });
    return set;
  }

  static std::vector<int32_t> labels(const std::string& file, const NamedArray& a) {
    const std::string who = file + ": " + a.name;
    TEMPER_CHECK(a.shape.size() == 1 || (a.shape.size() == 2 && a.shape[1] == 1), who,
                 ": expected one label per image, so one extent, got ", a.shape.size());
    std::vector<int32_t> out;
    each_value(who, a, [&](int64_t i, double v) {
      TEMPER_CHECK(v == std::floor(v) && v >= 0 && v < 1e6, who, ": element ", i, " is ", v,
                   "; expected whole numbers from 0");
      out.push_back(static_cast<int32_t>(v));
    });
    return out;
  }
};

TEMPER_REGISTER(DatasetReader, NpzReader, "npz", "your own images, as NumPy arrays");

}  // namespace

}  // namespace temper
