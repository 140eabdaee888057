#include "data/readers/idx.h"

#include "data/dataset.h"
#include "data/published/published.h"

namespace temper {

namespace {

uint32_t big_endian(const uint8_t* b) {
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | uint32_t{b[3]};
}

/// MNIST and the sets published in its form: four IDX files.
class IdxReader : public DatasetReader {
 public:
  explicit IdxReader(const char* name) : files_(name) {}
  void fields(Fields& f) override { files_.fields(f); }
  ImageSet train() const override { return read("train"); }
  ImageSet test() const override { return read("t10k"); }
  std::optional<DataSize> size() const override { return files_.size(); }

 private:
  ImageSet read(const std::string& split) const {
    const std::string image_file = split + "-images-idx3-ubyte", label_file = split + "-labels-idx1-ubyte";
    Idx images = parse_idx(image_file, files_.read(image_file), 3);
    const Idx labels = parse_idx(label_file, files_.read(label_file), 1);
    TEMPER_CHECK(images.extents[0] == labels.extents[0], files_.set().name, ": ", image_file, " has ",
                 images.extents[0], " images, but ", label_file, " has ", labels.extents[0], " labels");
    ImageSet set{.height = images.extents[1],
                 .width = images.extents[2],
                 .channels = 1,
                 .classes = static_cast<int64_t>(files_.set().class_names.size()),
                 .pixels = std::move(images.values),
                 .labels = {labels.values.begin(), labels.values.end()},
                 .class_names = files_.set().class_names};
    set.check(cat(files_.set().name, ": ", label_file));
    return set;
  }

  PublishedFiles files_;
};

struct Mnist : IdxReader {
  Mnist() : IdxReader("mnist") {}
};
struct FashionMnist : IdxReader {
  FashionMnist() : IdxReader("fashion_mnist") {}
};
struct FashionMnistSmall : IdxReader {
  FashionMnistSmall() : IdxReader("fashion_mnist_small") {}
};

TEMPER_REGISTER(DatasetReader, Mnist, "mnist", "handwritten digits, 28 x 28 x 1, 60,000 + 10,000");
TEMPER_REGISTER(DatasetReader, FashionMnist, "fashion_mnist", "clothes, 28 x 28 x 1, 60,000 + 10,000");
TEMPER_REGISTER(DatasetReader, FashionMnistSmall, "fashion_mnist_small",
                "the part of fashion_mnist that comes with Temper, 10,000 + 2,000: no download");

}  // namespace

Idx parse_idx(const std::string& file, std::vector<uint8_t> bytes, int rank) {
  const size_t header = 4 + 4 * static_cast<size_t>(rank);
  TEMPER_CHECK(bytes.size() >= header, file, ": expected an IDX file, got ", bytes.size(), " bytes; it is truncated");
  const uint32_t want = 0x800u + static_cast<uint32_t>(rank), magic = big_endian(bytes.data());
  TEMPER_CHECK(magic == want, file, ": expected an IDX file of bytes with ", rank, " extents, which begins with ", want,
               ", got ", magic, "; is this the right file?");
  Idx out;
  int64_t values = 1;
  for (int i = 0; i < rank; ++i) {
    out.extents.push_back(big_endian(&bytes[4 + 4 * i]));
    TEMPER_CHECK(out.extents[i] == 0 || values <= INT64_MAX / out.extents[i], file, ": its extents are impossible");
    values *= out.extents[i];
  }
  TEMPER_CHECK(static_cast<int64_t>(bytes.size() - header) == values, file, ": its header announces ", values,
               " values, got ", bytes.size() - header, "; it is truncated or damaged");
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<int64_t>(header));
  out.values = std::move(bytes);
  return out;
}

}  // namespace temper
