// Readers of a user's own images: NumPy archives and folders of JPEG and PNG files.
#include <cmath>
#include <cstring>
#include <fstream>

#include "core/files/npz.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "data/statistics.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/real_data.h"
#include "tests/fixtures/skip.h"
#include "tests/fixtures/temporary_folder.h"
#include "tests/fixtures/tensors.h"
#include "trainers/state/state.h"
#include "workflows/report/png.h"

using namespace temper;

namespace {

using Bytes = std::vector<uint8_t>;

std::unique_ptr<DatasetReader> reader(const std::string& name, const std::string& section) {
  const Config config = parse_config(section);
  Fields f(config);
  auto made = Registry<DatasetReader>::instance().make(name);
  made->fields(f);
  f.finish();
  return made;
}

template <class T>
NamedArray array(const char* name, std::vector<int64_t> shape, const std::vector<T>& values) {
  const char* bytes = reinterpret_cast<const char*>(values.data());
  return {name, dtype_of<T>(), std::move(shape), {bytes, bytes + values.size() * sizeof(T)}};
}

struct Npz {
  test::TemporaryFolder folder;
  std::string file = folder.file("a.npz");

  ImageSet read(const std::vector<NamedArray>& arrays, const std::string& more = "",
                const std::string& split = "train") {
    save_npz(file, arrays);
    const auto r = reader("npz", cat("path: ", file, "\n", more));
    return split == "train" ? r->train() : r->test();
  }
};

/// An image whose left half is one colour and whose right half another.
void write_png(const std::string& path, int h, int w, std::array<uint8_t, 3> left, std::array<uint8_t, 3> right) {
  Bytes pixels;
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x)
      for (int c = 0; c < 3; ++c) pixels.push_back((x < w / 2 ? left : right)[c]);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << encode_png({h, w, 3, pixels});
}

}  // namespace

TEST_CASE("images and labels from npz", "[data]") {
  Npz npz;
  const Bytes hwc = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const auto labels = array<int64_t>("train_labels", {1}, {0});
  CHECK(npz.read({array<uint8_t>("train_images", {1, 2, 2, 3}, hwc), labels}).pixels == hwc);
  const ImageSet planes = npz.read(
      {array<uint8_t>("train_images", {1, 3, 2, 2}, {1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12}), labels}, "layout: nchw");
  CHECK(planes.pixels == hwc);
  CHECK(planes.channels == 3);
  CHECK(planes.height == 2);
  CHECK(planes.classes == 1);
  const ImageSet grey = npz.read({array<float>("train_images", {2, 1, 2}, {0, 1, 127 / 255.f, 2 / 255.f}),
                                  array<int32_t>("train_labels", {2, 1}, {1, 0})},
                                 "classes: 7");
  CHECK(grey.dtype == DType::u8);  // nothing is lost in bytes
  CHECK(grey.pixels == Bytes{0, 255, 127, 2});
  CHECK(grey.labels == std::vector<int32_t>{1, 0});
  CHECK(grey.classes == 7);

  const std::string folder = npz.folder.path().string();
  save_npz(npz.folder.file("train.npz"),
           {array<uint8_t>("images", {2, 1, 1, 1}, {9, 8}), array<int64_t>("labels", {2}, {1, 0})});
  save_npz(npz.folder.file("test.npz"),
           {array<double>("images", {1, 1, 1, 1}, {1}), array<int64_t>("labels", {1}, {0})});
  const ImageSet test = reader("npz", "path: " + folder)->test();
  CHECK(test.pixels == Bytes{255});
  CHECK(test.classes == 2);  // as in train.npz
}

TEST_CASE("images of floating point keep their precision", "[data]") {
  Npz npz;
  const ImageSet set = npz.read(
      {array<double>("train_images", {2, 1, 2, 1}, {0, 1, 0.5, 1e-3}), array<int64_t>("train_labels", {2}, {0, 1})});
  REQUIRE(set.dtype == DType::f32);
  std::vector<float> values(4);
  std::memcpy(values.data(), set.pixels.data(), set.pixels.size());
  CHECK(values == std::vector<float>{0, 1, 0.5f, 1e-3f});
  CHECK(set.subset({1}).pixels.size() == 2 * sizeof(float));
  CHECK(statistics(set).mean[0] == Approx(1.501 / 4));
  Engine engine({.arena_mb = 1});
  Loader loader(engine, set, {.batch_size = 2});
  const Arena::Scope scope(engine.arena());
  CHECK(test::values_of<float>(engine, loader.load(0, 0).images) == values);
}

TEST_CASE("labels of npz data are ranked on request", "[data]") {
  Npz npz;
  const auto images = array<uint8_t>("train_images", {2, 1, 1, 1}, {1, 2});
  const auto labels = array<int64_t>("train_labels", {2}, {9, 4});
  CHECK_THROWS_WITH(npz.read({images, labels}), ContainsSubstring(": train_labels: the labels are 4, 9, but classes"));
  const ImageSet set = npz.read({images, labels}, "labels: ranked");
  CHECK(set.labels == std::vector<int32_t>{1, 0});
  CHECK(set.class_names == std::vector<std::string>{"label 4", "label 9"});
}

TEST_CASE("errors of npz data", "[data][errors]") {
  Npz npz;
  const auto images = array<uint8_t>("train_images", {1, 1, 1, 1}, {1});
  const auto labels = array<int64_t>("train_labels", {1}, {0});
  CHECK_THROWS_WITH(reader("npz", "")->train(),
                    "npz: set data.path to an .npz file or to a folder with train.npz and test.npz");
  CHECK_THROWS_WITH(npz.read({images, labels}, "", "test"),
                    npz.file + ": expected an array 'test_images', got train_images, train_labels");
  CHECK_THROWS_WITH(npz.read({array<uint8_t>("train_images", {1, 1}, {1}), labels}),
                    npz.file + ": train_images: expected images with 4 extents (or 3: one channel), got 2");
  CHECK_THROWS_WITH(npz.read({array<uint8_t>("train_images", {1, 1, 1, 5}, {1, 2, 3, 4, 5}), labels}),
                    npz.file + ": train_images: has 5 channels, more than 4; is data.layout right?");
  CHECK_THROWS_WITH(npz.read({array<int32_t>("train_images", {1, 1, 1, 1}, {1}), labels}),
                    npz.file + ": train_images: expected uint8 or floating point in [0, 1], got i32");
  CHECK_THROWS_WITH(npz.read({array<float>("train_images", {1, 1, 1, 2}, {0.5f, 1.5f}), labels}),
                    npz.file +
                        ": train_images: element 1 is 1.5; expected values in [0, 1]: divide by the largest, or "
                        "store uint8");
  CHECK_THROWS_WITH(npz.read({images, array<float>("train_labels", {1}, {0.5f})}),
                    npz.file + ": train_labels: element 0 is 0.5; expected whole numbers");
  CHECK_THROWS_WITH(npz.read({images, array<int64_t>("train_labels", {1, 2}, {0, 1})}),
                    npz.file +
                        ": train_labels: expected one label per image, so one extent, got 2; if they are "
                        "one-hot, save labels.argmax(axis=1)");
  CHECK_THROWS_WITH(npz.read({images, array<int64_t>("train_labels", {2}, {0, 1})}),
                    npz.file + ": 2 labels of 1 x 1 x 1 images need 2 pixel bytes, got 1");
  CHECK_THROWS_WITH(npz.read({images, array<int64_t>("train_labels", {1}, {3})}, "classes: 3"),
                    npz.file +
                        ": train_labels: the label of image 0 is 3, which is not in [0, 3); is this the right "
                        "file?");
  CHECK_THROWS_WITH(npz.read({array<uint8_t>("train_images", {0, 1, 0, 1}, {}), labels}),
                    npz.file + ": train_images: expected images of 1 to 65535 pixels a side, got an extent of 0");
  CHECK_THROWS_WITH(reader("npz", "classes: -1"), "config line 1: classes: expected 0, or 2 to 1000000, got -1");
}

TEST_CASE("images from a folder per class", "[data]") {
  const test::TemporaryFolder folder;
  for (const char* split : {"train", "val"}) {
    write_png(folder.file(cat(split, "/zebra/1.png")), 8, 8, {255, 255, 255}, {0, 0, 0});
    write_png(folder.file(cat(split, "/apple/2.PNG")), 8, 8, {200, 10, 20}, {30, 220, 40});
    write_png(folder.file(cat(split, "/apple/1.png")), 16, 64, {0, 0, 255}, {255, 0, 0});
  }
  const std::string at = cat("path: ", folder.path().string(), "\nsize: 8\n");
  for (const ImageSet& set : {reader("folder", at)->train(), reader("folder", at)->test()}) {
    CHECK(set.class_names == std::vector<std::string>{"apple", "zebra"});
    CHECK(set.labels == std::vector<int32_t>{0, 0, 1});
    CHECK(set.channels == 3);
    const auto pixel = [&](int i, int y, int x) {
      const uint8_t* p = &set.pixels[((i * 8 + y) * 8 + x) * 3];
      return std::vector<int>{p[0], p[1], p[2]};
    };
    CHECK(pixel(0, 4, 0) == std::vector<int>{0, 0, 255});  // 16 x 64 becomes 8 x 32; the middle 8 columns remain
    CHECK(pixel(0, 4, 7) == std::vector<int>{255, 0, 0});
    CHECK(pixel(1, 0, 3) == std::vector<int>{200, 10, 20});
    CHECK(pixel(1, 7, 4) == std::vector<int>{30, 220, 40});
    CHECK(pixel(2, 0, 0) == std::vector<int>{255, 255, 255});
  }
  const ImageSet cropped = reader("folder", at + "crop_from: 16")->train();
  CHECK(cropped.height == 16);
  CHECK(cropped.crop == 8);
  const ImageSet middle = reader("folder", at + "crop_from: 16")->test();
  CHECK(middle.height == 8);
  CHECK(middle.crop == 0);
  CHECK(middle.pixels == cropped.center().pixels);
  CHECK(middle.pixels[0] == 0);  // of 16 x 64 the middle: blue left, red right
  CHECK(middle.pixels[2] == 255);
  CHECK(middle.pixels[7 * 3] == 255);
  const ImageSet grey = reader("folder", at + "channels: 1\nfit: stretch")->train();
  CHECK(grey.pixels.size() == 3 * 64);
  CHECK(grey.pixels[2 * 64] == 255);
}

TEST_CASE("a run on a folder trains on random crops and validates on the middle", "[data]") {
  const test::TemporaryFolder folder;
  for (const char* split : {"train", "test"})
    for (const char* file : {"/a/1.png", "/a/2.png", "/a/3.png", "/b/1.png", "/b/2.png", "/b/3.png"})
      write_png(folder.file(cat(split, file)), 12, 12, {0, 0, 255}, {255, 0, 0});
  Experiment e = read_experiment(
      parse_config(cat("device: cpu\ndata: {name: folder, path: ", folder.path().string(),
                       ", size: 8, crop_from: 12, validation: 2}\nmodel: {name: small_resnet, widths: [4]}\n"
                       "trainer: {name: standard}\nloop: {batch_size: 4}\n")));
  TrainingState state(e, read_splits(e));
  const Arena::Scope scope(state.engine.arena());
  CHECK(state.train.load(1, 0).images.shape == Shape{4, 8, 8, 3});
  CHECK(state.validation->load(1, 0).images.shape == Shape{2, 8, 8, 3});
  TrainContext context = state.context();
  CHECK(std::isfinite(e.trainer.method->gradients(context, state.train.load(1, 0), state.gradients())));
}

TEST_CASE("errors of image folders", "[data][errors]") {
  const test::TemporaryFolder folder;
  const std::string at = folder.path().string();
  const auto train = [&] { return reader("folder", "path: " + at)->train(); };
  CHECK_THROWS_WITH(reader("folder", "")->train(), "folder: set data.path to a folder with train/ and test/ (or val/)");
  CHECK_THROWS_WITH(train(), "folder: expected a folder 'train' in " + at +
                                 " with one folder of images per class; is data.path right?");
  std::filesystem::create_directories(folder.file("train"));
  CHECK_THROWS_WITH(train(), "folder: expected a folder 'test' or 'val' in " + at +
                                 " with one folder of images per class; is data.path right?");
  std::filesystem::create_directories(folder.file("val"));
  CHECK_THROWS_WITH(train(), "folder: " + folder.file("train") + " has no class folders");
  std::filesystem::create_directories(folder.file("train/a"));
  std::filesystem::create_directories(folder.file("val/b"));
  CHECK_THROWS_WITH(train(), "folder: " + folder.file("train") + " and " + folder.file("val") +
                                 " must have the same class folders, got a and b");
  std::filesystem::create_directories(folder.file("train/b"));
  std::filesystem::create_directories(folder.file("val/a"));
  CHECK_THROWS_WITH(train(), "folder: " + folder.file("train/a") +
                                 " has no .jpg, .jpeg, .jpe, .jfif, .png or .webp "
                                 "files");
  write_png(folder.file("train/a/1.png"), 4, 4, {1, 2, 3}, {1, 2, 3});
  std::ofstream(folder.file("train/b/1.jpg")) << "not an image";
  CHECK_THROWS_WITH(train(),
                    ContainsSubstring(folder.file("train/b/1.jpg") + ": cannot be read as JPEG, PNG or WebP: "));
  CHECK_THROWS_WITH(reader("folder", "size: 0"), "config line 1: size: expected 1 to 16384, got 0");
  CHECK_THROWS_WITH(reader("folder", "crop_from: 32"),
                    "config line 1: crop_from: expected 0 or at least size (64), got 32");
  CHECK_THROWS_WITH(reader("folder", "channels: 2"), "config line 1: channels: expected 1 or 3, got 2");
}

TEST_CASE("a real folder of JPEG files", "[data]") {
  const std::string folder = test::real_data("imagenette-sample");
  if (folder.empty()) TEMPER_SKIP("no imagenette-sample beside the source tree or in TEMPER_TEST_DATA");
  const auto sample = reader("folder", cat("path: ", folder, "\nsize: 64"));
  const ImageSet train = sample->train(), test = sample->test();
  CHECK(train.size() == 400);
  CHECK(test.size() == 100);
  CHECK(train.class_names.at(0) == "n01440764");
  double sum = 0;
  for (const uint8_t p : train.pixels) sum += p;
  CHECK(sum / train.pixels.size() / 255 == Approx(0.45).margin(0.05));  // as all of ImageNet
}
