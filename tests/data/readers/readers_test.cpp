// The readers of published data sets, on small files written here and on the real ones.
#include <zlib.h>

#include <cstring>
#include <fstream>

#include "data/dataset.h"
#include "data/published/published.h"
#include "data/readers/idx.h"
#include "source_dir.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/real_data.h"
#include "tests/fixtures/skip.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

using Bytes = std::vector<uint8_t>;

void write(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void write_gz(const std::string& path, const Bytes& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

Bytes idx(std::vector<uint8_t> extents, const Bytes& values) {
  Bytes out = {0, 0, 8, static_cast<uint8_t>(extents.size())};
  for (const uint8_t e : extents) out.insert(out.end(), {0, 0, 0, e});
  out.insert(out.end(), values.begin(), values.end());
  return out;
}

std::unique_ptr<DatasetReader> reader(const std::string& name, const std::string& section) {
  const Config config = parse_config(section);
  Fields f(config);
  auto made = Registry<DatasetReader>::instance().make(name);
  made->fields(f);
  f.finish();
  return made;
}

/// A record of CIFAR: labels, then pixel p of plane c is 3 * p + c (mod 256), so that NHWC comes out counting up.
Bytes cifar_record(Bytes record) {
  for (int c = 0; c < 3; ++c)
    for (int p = 0; p < 1024; ++p) record.push_back(static_cast<uint8_t>(3 * p + c));
  return record;
}

std::vector<int64_t> counts(const ImageSet& set) {
  std::vector<int64_t> n(set.classes, 0);
  for (const int32_t label : set.labels) ++n[label];
  return n;
}

}  // namespace

TEST_CASE("IDX files are read, packed or not", "[data]") {
  const test::TemporaryFolder folder;
  write_gz(folder.file("train-images-idx3-ubyte.gz"), idx({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  write(folder.file("train-labels-idx1-ubyte"), idx({2}, {9, 0}));
  const ImageSet set = reader("mnist", cat("path: ", folder.path().string(), "\nverify: form"))->train();
  CHECK(set.size() == 2);
  CHECK(set.height == 2);
  CHECK(set.width == 3);
  CHECK(set.channels == 1);
  CHECK(set.classes == 10);
  CHECK(set.pixels == Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  CHECK(set.labels == std::vector<int32_t>{9, 0});
  CHECK(set.class_names.at(9) == "9");
}

TEST_CASE("errors of IDX files", "[data][errors]") {
  CHECK_THROWS_WITH(parse_idx("f", {0, 0, 8}, 1), "f: expected an IDX file, got 3 bytes; it is truncated");
  CHECK_THROWS_WITH(parse_idx("f", idx({1, 1}, {7}), 1),
                    "f: expected an IDX file of bytes with 1 extents, which begins with 2049, got 2050; is this the "
                    "right file?");
  CHECK_THROWS_WITH(parse_idx("f", idx({3}, {7, 8}), 1),
                    "f: its header announces 3 values, got 2; it is truncated or damaged");
  CHECK_THROWS_WITH(parse_idx("f", {0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, 3),
                    "f: its extents are impossible");

  const test::TemporaryFolder folder;
  const std::string images = folder.file("t10k-images-idx3-ubyte"), labels = folder.file("t10k-labels-idx1-ubyte");
  const auto mnist = reader("mnist", cat("path: ", folder.path().string(), "\nverify: form"));
  CHECK_THROWS_WITH(mnist->test(),
                    cat("mnist: t10k-images-idx3-ubyte(.gz) was found in none of ", folder.path().string(),
                        "; run `temper data fetch mnist`, or set data.path to the folder "
                        "that holds it"));
  write(images, idx({1, 1, 1}, {5}));
  write(labels, idx({2}, {1, 2}));
  CHECK_THROWS_WITH(mnist->test(),
                    "mnist: t10k-images-idx3-ubyte has 1 images, but t10k-labels-idx1-ubyte has 2 labels");
  write(images, idx({2, 0, 3}, {}));
  CHECK_THROWS_WITH(mnist->test(), ContainsSubstring("images are 0 x 3 x 1, and one without pixels cannot be"));
  write(images, idx({1, 1, 1}, {5}));
  write(labels, idx({1}, {10}));
  CHECK_THROWS_WITH(mnist->test(),
                    "mnist: t10k-labels-idx1-ubyte: the label of image 0 is 10, which is not in [0, 10); "
                    "is this the right file?");
  CHECK_THROWS_WITH(
      reader("mnist", cat("path: ", folder.path().string()))->test(),
      cat(images,
          ": expected the published file with SHA-256 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7, got 17 bytes "
          "with SHA-256 ",
          sha256(idx({1, 1, 1}, {5}).data(), 17), "; fetch it again, or set data.verify: form to use it anyway"));
  CHECK_THROWS_WITH(reader("fashion_mnist_small", cat("path: ", folder.file("none")))->train(),
                    cat("fashion_mnist_small: train-images-idx3-ubyte(.gz) was found in none of ", folder.file("none"),
                        "; leave data.path empty to use the shipped files"));
}

TEST_CASE("packed files that are cut short or damaged are not read", "[data][errors]") {
  const test::TemporaryFolder folder;
  Bytes noise(5000);
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<uint8_t>(i * i * 31 >> 3);
  const std::string file = folder.file("a.gz");
  write_gz(file, noise);
  CHECK(read_unpacked(file) == noise);
  std::ifstream in(file, std::ios::binary);
  Bytes packed{std::istreambuf_iterator<char>(in), {}};
  Bytes cut(packed.begin(), packed.end() - 100);
  write(file, cut);
  CHECK_THROWS_WITH(read_unpacked(file),
                    ContainsSubstring(cat(file, ": is truncated or damaged: it cannot be unpacked (")));
  packed[packed.size() / 2] ^= 0x55;
  write(file, packed);
  CHECK_THROWS_WITH(read_unpacked(file),
                    ContainsSubstring(cat(file, ": is truncated or damaged: it cannot be unpacked (")));
  CHECK_THROWS_WITH(read_unpacked(folder.file("b")), cat(folder.file("b"), ": cannot be read; is the path right?"));
  CHECK_THROWS_WITH(read_unpacked(folder.path().string()),
                    cat(folder.path().string(), ": cannot be read; expected a file, got a folder"));
}

TEST_CASE("CIFAR's binary form is read", "[data]") {
  const test::TemporaryFolder folder;
  for (int i = 1; i <= 5; ++i)
    write(folder.file(cat("data_batch_", i, ".bin")), cifar_record({static_cast<uint8_t>(i)}));
  const ImageSet ten = reader("cifar10", cat("path: ", folder.path().string(), "\nverify: form"))->train();
  CHECK(ten.labels == std::vector<int32_t>{1, 2, 3, 4, 5});
  CHECK(ten.class_names.at(3) == "cat");
  REQUIRE(ten.pixels.size() == 5 * 3072);
  for (size_t i = 0; i < ten.pixels.size(); ++i) REQUIRE(ten.pixels[i] == static_cast<uint8_t>(i % 3072));

  write(folder.file("test.bin"), cifar_record({19, 99}));
  const auto hundred = [&](const char* more) {
    return reader("cifar100", cat("path: ", folder.path().string(), "\nverify: form\n", more))->test();
  };
  CHECK(hundred("").labels == std::vector<int32_t>{99});
  CHECK(hundred("").classes == 100);
  CHECK(hundred("labels: coarse").labels == std::vector<int32_t>{19});
  CHECK(hundred("labels: coarse").classes == 20);
  CHECK(hundred("").class_names.empty());
  std::ofstream names(folder.file("fine_label_names.txt"));
  for (int i = 0; i < 100; ++i) names << "class" << i << "\n";
  names << "\n" << std::flush;
  CHECK(hundred("").class_names.at(99) == "class99");
}

TEST_CASE("errors of CIFAR's binary form", "[data][errors]") {
  const test::TemporaryFolder folder;
  const auto cifar = reader("cifar10", cat("path: ", folder.path().string(), "\nverify: form"));
  CHECK_THROWS_WITH(cifar->test(), ContainsSubstring("cifar10: test_batch.bin(.gz) was found in none of") &&
                                       ContainsSubstring("run `temper data fetch cifar10`"));
  write(folder.file("data_batch_1"), {});
  CHECK_THROWS_WITH(cifar->test(), cat("cifar10: ", folder.path().string(),
                                       " holds the python form (pickles), which is not read; convert it once with "
                                       "`scripts/convert_cifar_python ",
                                       folder.path().string(), " OUT_DIR`, and set data.path to OUT_DIR"));
  Bytes record = cifar_record({10});
  write(folder.file("test_batch.bin"), record);
  CHECK_THROWS_WITH(cifar->test(),
                    "cifar10: test_batch.bin: the label of image 0 is 10, which is not in [0, 10); is this "
                    "the right file?");
  record.pop_back();
  write(folder.file("test_batch.bin"), record);
  CHECK_THROWS_WITH(
      cifar->test(),
      "cifar10: test_batch.bin: expected records of 3073 bytes because an image is 1 label bytes and 3 x 32 "
      "x 32 pixels, got 3072 bytes; it is truncated or damaged");
  CHECK_THROWS_WITH(
      reader("cifar10", cat("path: ", folder.path().string()))->test(),
      ContainsSubstring(
          "expected the published file with SHA-256 8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"));
}

namespace {

void put(Bytes& out, std::initializer_list<uint32_t> words) {
  for (const uint32_t w : words)
    for (int b = 0; b < 4; ++b) out.push_back(static_cast<uint8_t>(w >> 8 * b));
}

/// A MATLAB matrix of uint8: array flags, extents, name (inside its tag), values.
Bytes mat_matrix(char name, const std::vector<uint32_t>& extents, const Bytes& values) {
  Bytes body;
  put(body, {6, 8, 9, 0, 5, static_cast<uint32_t>(4 * extents.size())});
  for (const uint32_t e : extents) put(body, {e});
  while (body.size() % 8 != 0) body.push_back(0);
  put(body, {1u << 16 | 1, static_cast<uint32_t>(name), 2, static_cast<uint32_t>(values.size())});
  body.insert(body.end(), values.begin(), values.end());
  while (body.size() % 8 != 0) body.push_back(0);
  Bytes out;
  put(out, {14, static_cast<uint32_t>(body.size())});
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Bytes mat_packed(const Bytes& element) {
  Bytes packed(compressBound(element.size()));
  uLongf size = packed.size();
  compress(packed.data(), &size, element.data(), element.size());
  packed.resize(size);
  Bytes out;
  put(out, {15, static_cast<uint32_t>(size)});
  out.insert(out.end(), packed.begin(), packed.end());
  return out;
}

Bytes mat_file(const std::vector<Bytes>& elements) {
  Bytes out(128, ' ');
  out[124] = 0, out[125] = 1, out[126] = 'I', out[127] = 'M';
  for (const Bytes& e : elements) out.insert(out.end(), e.begin(), e.end());
  return out;
}

/// Two of SVHN's images, columns first; pixel (h, w, c) of image i is 3 * (32 h + w) + c + 5 i (mod 256).
Bytes svhn_pixels() {
  Bytes x;
  for (int i = 0; i < 2; ++i)
    for (int c = 0; c < 3; ++c)
      for (int w = 0; w < 32; ++w)
        for (int h = 0; h < 32; ++h) x.push_back(static_cast<uint8_t>(3 * (32 * h + w) + c + 5 * i));
  return x;
}

}  // namespace

TEST_CASE("SVHN's MATLAB files are read, packed or not", "[data]") {
  const test::TemporaryFolder folder;
  const Bytes x = mat_matrix('X', {32, 32, 3, 2}, svhn_pixels()), y = mat_matrix('y', {2, 1}, {10, 7});
  write(folder.path() / "train_32x32.mat", mat_file({mat_packed(x), mat_packed(y)}));
  write(folder.path() / "test_32x32.mat", mat_file({x, y}));
  const auto svhn = reader("svhn", "{path: " + folder.path().string() + ", verify: form}");
  for (const ImageSet& set : {svhn->train(), svhn->test()}) {
    CHECK(set.labels == std::vector<int32_t>{0, 7});
    CHECK(set.classes == 10);
    REQUIRE(set.pixels.size() == 2 * 3072);
    for (int i = 0; i < 2; ++i)
      for (int e = 0; e < 3072; ++e)
        if (set.pixels[i * 3072 + e] != (e + 5 * i) % 256) FAIL("image " << i << ", element " << e);
  }
}

TEST_CASE("errors of SVHN's MATLAB files", "[data][errors]") {
  const test::TemporaryFolder folder;
  const Bytes x = mat_matrix('X', {32, 32, 3, 2}, svhn_pixels()), y = mat_matrix('y', {2, 1}, {10, 7});
  const auto read = [&](Bytes bytes) {
    write(folder.path() / "train_32x32.mat", bytes);
    return [&] { reader("svhn", "{path: " + folder.path().string() + ", verify: form}")->train(); };
  };
  CHECK_THROWS_WITH(read(Bytes(200, 0))(), ContainsSubstring("train_32x32.mat: is not a MATLAB 5 file"));
  Bytes cut = mat_file({x, y});
  cut.resize(3000);
  CHECK_THROWS_WITH(read(cut)(), ContainsSubstring("is truncated or damaged"));
  Bytes damaged = mat_file({mat_packed(x)});
  damaged[150] ^= 0xff;
  CHECK_THROWS_WITH(read(damaged)(), ContainsSubstring("it cannot be unpacked; fetch it again"));
  for (const uint32_t size : {3000000000u, 5000000u}) {  // more than is read, and than so few bytes can hold
    Bytes announced = x;
    std::memcpy(&announced[4], &size, sizeof size);
    CHECK_THROWS_WITH(read(mat_file({mat_packed(announced)}))(), ContainsSubstring("it cannot be unpacked"));
  }
  CHECK_THROWS_WITH(read(mat_file({mat_matrix('X', {0x7fffffff, 0x7fffffff, 0x7fffffff, 9}, {1, 2}), y}))(),
                    ContainsSubstring("X: has impossible extents"));
  CHECK_THROWS_WITH(read(mat_file({x}))(), ContainsSubstring("expected an array 'y'"));
  CHECK_THROWS_WITH(read(mat_file({x, mat_matrix('y', {1, 1}, {3})}))(),
                    ContainsSubstring("expected X to be 32 x 32 x 3 x N with a label in y for each, got 6144 values "
                                      "and 1 labels"));
  CHECK_THROWS_WITH(read(mat_file({x, mat_matrix('y', {2, 1}, {0, 7})}))(),
                    ContainsSubstring("the label of image 0 is 0, which is not in [1, 10]"));
  CHECK_THROWS_WITH(read(mat_file({x, mat_matrix('y', {3, 1}, {1, 7})}))(),
                    ContainsSubstring("y: expected 3 values because of its extents, got 2"));
  CHECK_THROWS_WITH(reader("svhn", "{path: " + folder.path().string() + "}")->train(), ContainsSubstring("SHA-256"));
}

TEST_CASE("data sets are looked for in TEMPER_DATA", "[data]") {
  const test::TemporaryFolder folder;
  const char* before = std::getenv("TEMPER_DATA");
  const std::string kept = before ? before : "";
  setenv("TEMPER_DATA", folder.path().c_str(), 1);
  CHECK(data_folder() == folder.path().string());
  std::filesystem::create_directories(folder.file("cifar10/cifar-10-batches-bin"));
  write(folder.file("cifar10/cifar-10-batches-bin/test_batch.bin"), cifar_record({7}));
  CHECK(reader("cifar10", "verify: form")->test().labels == std::vector<int32_t>{7});
  CHECK_THROWS_WITH(reader("mnist", "")->test(),
                    cat("mnist: t10k-images-idx3-ubyte(.gz) was found in none of ", folder.file("mnist"),
                        "; run `temper data fetch mnist`, or set data.path to the folder that holds it"));
  unsetenv("TEMPER_DATA");
  CHECK(data_folder() == std::string(std::getenv("HOME") ? std::getenv("HOME") : ".") + "/.local/share/temper");
  if (before) setenv("TEMPER_DATA", kept.c_str(), 1);
  CHECK_THROWS_WITH(published("cifar1"), ContainsSubstring("unknown data set 'cifar1'; did you mean 'cifar10'?"));
}

TEST_CASE("the shipped data set is complete and balanced", "[data]") {
  const auto small = reader("fashion_mnist_small", "");
  const ImageSet train = small->train(), test = small->test();
  CHECK(counts(train) == std::vector<int64_t>(10, 1000));
  CHECK(counts(test) == std::vector<int64_t>(10, 200));
  CHECK(train.image_bytes() == 784);
  CHECK(train.class_names.at(9) == "Ankle boot");
}

TEST_CASE("the real MNIST", "[data]") {
  const std::string folder = test::real_data("mnist");
  if (folder.empty()) TEMPER_SKIP("no MNIST files beside the source tree or in TEMPER_TEST_DATA");
  const auto mnist = reader("mnist", cat("path: ", folder));
  CHECK(counts(mnist->train()) == std::vector<int64_t>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  CHECK(mnist->test().size() == 10000);
}

TEST_CASE("the real Fashion-MNIST", "[data]") {
  if (!std::filesystem::exists(published("fashion_mnist").installed))
    TEMPER_SKIP("Debian's package dataset-fashion-mnist is not installed");
  const auto fashion = reader("fashion_mnist", cat("path: ", published("fashion_mnist").installed));
  CHECK(counts(fashion->train()) == std::vector<int64_t>(10, 6000));
  CHECK(counts(fashion->test()) == std::vector<int64_t>(10, 1000));
}

TEST_CASE("the real CIFAR-10", "[data]") {
  const std::string folder = test::real_cifar10();
  if (folder.empty())
    TEMPER_SKIP("no CIFAR-10 files beside the source tree or in TEMPER_TEST_DATA (unpacking needs Pillow or dwebp)");
  const auto cifar = reader("cifar10", cat("path: ", folder));
  const ImageSet train = cifar->train(), test = cifar->test();
  CHECK(counts(train) == std::vector<int64_t>(10, 5000));
  CHECK(counts(test) == std::vector<int64_t>(10, 1000));
  // The well-known means of the training pixels: .4914, .4822, .4465.
  double sum[3] = {};
  for (size_t i = 0; i < train.pixels.size(); ++i) sum[i % 3] += train.pixels[i];
  CHECK(sum[0] / (50000 * 1024 * 255.0) == Approx(0.4914).margin(5e-5));
  CHECK(sum[1] / (50000 * 1024 * 255.0) == Approx(0.4822).margin(5e-5));
  CHECK(sum[2] / (50000 * 1024 * 255.0) == Approx(0.4465).margin(5e-5));
}
