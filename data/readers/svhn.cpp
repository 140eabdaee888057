#include "data/dataset.h"
#include "data/published/published.h"
#include "data/readers/mat.h"

namespace temper {

namespace {

/// SVHN's cropped digits: MATLAB files with X (32, 32, 3, N) and y (N, 1), the digit 0 as 10.
struct Svhn : DatasetReader {
  PublishedFiles files{"svhn"};

  void fields(Fields& f) override { files.fields(f); }
  ImageSet train() const override { return read("train_32x32.mat"); }
  ImageSet test() const override { return read("test_32x32.mat"); }
  std::optional<DataSize> size() const override { return files.size(); }

  static const MatArray& find(const std::string& file, const std::vector<MatArray>& arrays, const char* name) {
    for (const MatArray& a : arrays)
      if (a.name == name) return a;
    fail(file, ": expected an array '", name, "', got ", arrays.size(), " others; is this the right file?");
  }

  ImageSet read(const std::string& file) const {
    constexpr int64_t kSide = 32, kPlane = kSide * kSide, kImage = 3 * kPlane;
    const std::vector<MatArray> arrays = parse_mat(file, files.read(file));
    const MatArray &x = find(file, arrays, "X"), &y = find(file, arrays, "y");
    const int64_t n = static_cast<int64_t>(y.values.size());
    TEMPER_CHECK(x.extents == (std::vector<int64_t>{kSide, kSide, 3, n}), file,
                 ": expected X to be 32 x 32 x 3 x N with a label in y for each, got ", x.values.size(), " values and ",
                 n, " labels");
    ImageSet set{.height = kSide, .width = kSide, .channels = 3, .classes = 10, .class_names = files.set().class_names};
    set.pixels.resize(n * kImage);
    for (int64_t i = 0; i < n; ++i) {
      const int label = y.values[i];
      TEMPER_CHECK(label >= 1 && label <= 10, file, ": the label of image ", i, " is ", label,
                   ", which is not in [1, 10]; is this the right file?");
      set.labels.push_back(label % 10);
      for (int64_t h = 0; h < kSide; ++h)
        for (int64_t w = 0; w < kSide; ++w)
          for (int64_t c = 0; c < 3; ++c)
            set.pixels[i * kImage + (h * kSide + w) * 3 + c] = x.values[i * kImage + c * kPlane + w * kSide + h];
    }
    return set;
  }
};

TEMPER_REGISTER(DatasetReader, Svhn, "svhn", "house numbers' digits, 32 x 32 x 3, 10 classes, 73,257 + 26,032");

}  // namespace

}  // namespace temper
