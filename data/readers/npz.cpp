#include "core/files/npz.h"

#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/files/folders.h"
#include "core/tensor.h"
#include "data/dataset.h"
#include "data/readers/labels.h"

namespace temper {

namespace {

constexpr int64_t kLargestSide = 65535;

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
    case DType::f16: return visit(float16{});
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
  LabelOptions label;

  void fields(Fields& f) override {
    f("path", path,
      ".npz with train_images, train_labels, test_images, test_labels; or a folder with train.npz and test.npz, each "
      "with images, labels");
    f.choice("layout", layout, {{"nhwc", Layout::nhwc}, {"nchw", Layout::nchw}}, "order of the images' extents");
    f("classes", label.classes, Limits::between(2, 1e6).or_zero(),
      "number of classes; 0: as many as the training labels show");
    f.choice(
        "labels", label.rule, {{"as_given", LabelRule::as_given}, {"ranked", LabelRule::ranked}},
        "as_given: labels are class numbers, from 0; ranked: the smallest label is class 0, the next class 1, ...");
  }
  ImageSet train() const override { return read("train"); }
  ImageSet test() const override { return read("test"); }

 private:
  struct Split {
    std::string file;
    NpzFile arrays;
    std::string prefix;

    NamedArray array(const std::string& what) const { return arrays.read(prefix + what); }
    std::string who(const std::string& what) const { return file + ": " + prefix + what; }
  };

  Split open(const std::string& split) const {
    TEMPER_CHECK(!path.empty(), "npz: set data.path to an .npz file or to a folder with train.npz and test.npz");
    if (!is_folder(path)) return {path, NpzFile(path), split + "_"};
    const std::string file = (std::filesystem::path(path) / (split + ".npz")).string();
    return {file, NpzFile(file), ""};
  }

  ImageSet read(const std::string& name) const {
    const Split split = open(name);
    ImageSet set = images(split);
    const Split train = open("train");
    const LabelMap map(train.who("labels"), labels(train), label);
    set.labels = map.classes_of(split.who("labels"), labels(split));
    set.classes = map.classes();
    set.class_names = map.names();
    set.check(split.file);
    return set;
  }

  Shape shape_of(const std::string& who, const NamedArray& a) const {
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
    for (int i = 1; i < 4; ++i)
      TEMPER_CHECK(shape[i] >= 1 && shape[i] <= kLargestSide, who, ": expected images of 1 to ", kLargestSide,
                   " pixels a side, got an extent of ", shape[i]);
    return shape;
  }

  ImageSet images(const Split& split) const {
    const std::string who = split.who("images");
    const NamedArray a = split.array("images");
    const Shape shape = shape_of(who, a);
    TEMPER_CHECK(a.dtype == DType::u8 || a.dtype == DType::f16 || a.dtype == DType::f32 || a.dtype == DType::f64, who,
                 ": expected uint8 or floating point in [0, 1], got ", a.dtype);
    ImageSet set{.height = shape[1], .width = shape[2], .channels = shape[3]};
    const int64_t c = shape[3], plane = shape[1] * shape[2];
    const bool planes = layout == Layout::nchw && a.shape.size() == 4;
    const auto place = [&](int64_t i) {
      return planes ? i / (c * plane) * c * plane + i % plane * c + i / plane % c : i;
    };
    if (a.dtype == DType::u8) {
      set.pixels.resize(a.numel());
      for (int64_t i = 0; i < a.numel(); ++i) set.pixels[place(i)] = static_cast<uint8_t>(a.bytes[i]);
      return set;
    }
    std::vector<float> values(a.numel());
    each_value(who, a, [&](int64_t i, double v) {
      TEMPER_CHECK(v >= 0 && v <= 1, who, ": element ", i, " is ", v,
                   "; expected values in [0, 1]: divide by the largest, or store uint8");
      values[place(i)] = static_cast<float>(v);
    });
    set.store(values);
    return set;
  }

  static std::vector<int64_t> labels(const Split& split) {
    const std::string who = split.who("labels");
    const NamedArray a = split.array("labels");
    TEMPER_CHECK(a.shape.size() == 1 || (a.shape.size() == 2 && a.shape[1] == 1), who,
                 ": expected one label per image, so one extent, got ", a.shape.size(),
                 a.shape.size() == 2 ? "; if they are one-hot, save labels.argmax(axis=1)" : "");
    std::vector<int64_t> out;
    each_value(who, a, [&](int64_t i, double v) {
      TEMPER_CHECK(v == std::floor(v) && std::abs(v) < 1e9, who, ": element ", i, " is ", v,
                   "; expected whole numbers");
      out.push_back(static_cast<int64_t>(v));
    });
    return out;
  }
};

TEMPER_REGISTER(DatasetReader, NpzReader, "npz", "your own images, as NumPy arrays");

}  // namespace

}  // namespace temper
