#include <filesystem>

#include "data/dataset.h"
#include "data/published/published.h"

namespace temper {

namespace {

constexpr int64_t kSide = 32, kPlane = kSide * kSide, kImage = 3 * kPlane;

/// CIFAR's binary form: records of label bytes, then the red, green and blue planes.
class CifarReader : public DatasetReader {
 public:
  explicit CifarReader(const char* name) : files_(name) {}
  void fields(Fields& f) override { files_.fields(f); }
  std::optional<DataSize> size() const override { return files_.size(); }

 protected:
  struct Form {
    int64_t classes, label_bytes, label_at;
    std::vector<std::string> class_names;
  };

  ImageSet read(const std::vector<std::string>& names, const Form& form) const {
    ImageSet set{
        .height = kSide, .width = kSide, .channels = 3, .classes = form.classes, .class_names = form.class_names};
    for (const std::string& name : names) append(set, name, form);
    return set;
  }

  PublishedFiles files_;

 private:
  /// Throws Error, saying what to do, where only the python form of the set lies.
  void expect_binary_form(const std::string& name) const {
    namespace fs = std::filesystem;
    if (!files_.find(name).empty()) return;
    std::error_code none;
    for (const fs::path place : files_.places())
      for (const fs::path& folder : {place, place / "cifar-10-batches-py", place / "cifar-100-python"})
        TEMPER_CHECK(!fs::exists(folder / "data_batch_1", none) &&
                         !(fs::exists(folder / "train", none) && fs::exists(folder / "meta", none)),
                     files_.set().name, ": ", folder.string(),
                     " holds the python form (pickles), which is not read; "
                     "convert it once with `scripts/convert_cifar_python ",
                     folder.string(), " OUT_DIR`, and set data.path to OUT_DIR");
  }

  void append(ImageSet& set, const std::string& name, const Form& form) const {
    expect_binary_form(name);
    const std::vector<uint8_t> bytes = files_.read(name);
    const int64_t record = form.label_bytes + kImage, size = static_cast<int64_t>(bytes.size()), n = size / record;
    TEMPER_CHECK(n > 0 && size % record == 0, files_.set().name, ": ", name, ": expected records of ", record,
                 " bytes because an image is ", form.label_bytes, " label bytes and 3 x 32 x 32 pixels, got ", size,
                 " bytes; it is truncated or damaged");
    const size_t at = set.pixels.size();
    set.pixels.resize(at + n * kImage);
    for (int64_t i = 0; i < n; ++i) {
      const uint8_t* from = bytes.data() + i * record;
      uint8_t* to = set.pixels.data() + at + i * kImage;
      const int label = from[form.label_at];
      TEMPER_CHECK(label < form.classes, files_.set().name, ": ", name, ": the label of image ", i, " is ", label,
                   ", which is not in [0, ", form.classes, "); is this the right file?");
      set.labels.push_back(label);
      from += form.label_bytes;
      for (int64_t p = 0; p < kPlane; ++p)
        for (int64_t c = 0; c < 3; ++c) to[p * 3 + c] = from[c * kPlane + p];
    }
  }
};

struct Cifar10 : CifarReader {
  Cifar10() : CifarReader("cifar10") {}
  ImageSet train() const override {
    return read({"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
                form());
  }
  ImageSet test() const override { return read({"test_batch.bin"}, form()); }
  Form form() const {
    return {.classes = 10, .label_bytes = 1, .label_at = 0, .class_names = files_.set().class_names};
  }
};

struct Cifar100 : CifarReader {
  enum class Labels { fine, coarse };
  Labels labels = Labels::fine;

  Cifar100() : CifarReader("cifar100") {}
  void fields(Fields& f) override {
    CifarReader::fields(f);
    f.choice("labels", labels, {{"fine", Labels::fine}, {"coarse", Labels::coarse}}, "100 classes, or 20 groups of 5");
  }
  ImageSet train() const override { return read({"train.bin"}, form()); }
  ImageSet test() const override { return read({"test.bin"}, form()); }
  std::optional<DataSize> size() const override {
    std::optional<DataSize> size = CifarReader::size();
    if (size && labels == Labels::coarse) size->classes = 20;
    return size;
  }
  Form form() const {
    if (labels == Labels::coarse)
      return {.classes = 20, .label_bytes = 2, .label_at = 0, .class_names = names("coarse_label_names.txt", 20)};
    return {.classes = 100, .label_bytes = 2, .label_at = 1, .class_names = names("fine_label_names.txt", 100)};
  }
  std::vector<std::string> names(const char* file, size_t count) const {
    std::vector<std::string> lines = files_.read_lines(file);
    return lines.size() == count ? lines : std::vector<std::string>();
  }
};

TEMPER_REGISTER(DatasetReader, Cifar10, "cifar10", "photographs, 32 x 32 x 3, 10 classes, 50,000 + 10,000");
TEMPER_REGISTER(DatasetReader, Cifar100, "cifar100", "photographs, 32 x 32 x 3, 100 classes, 50,000 + 10,000");

}  // namespace

}  // namespace temper
