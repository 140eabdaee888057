// A second source of images: in files that stay where they are, for a share of every batch.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "core/files/npz.h"
#include "data/loader.h"
#include "data/shuffle.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/loop_fixture.h"
#include "tests/fixtures/tensors.h"

using namespace temper;

namespace {

constexpr int64_t kSide = 8, kImage = kSide * kSide;

/// `n` images of which image i is full of the value first + i; labels i % 3.
std::vector<NamedArray> plain_images(int64_t n, int first, const char* image = "image", const char* label = "label") {
  std::vector<char> pixels;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < n; ++i) {
    pixels.insert(pixels.end(), kImage, static_cast<char>(first + i));
    labels.push_back(i % 3);
  }
  const char* bytes = reinterpret_cast<const char*>(labels.data());
  return {{image, DType::u8, {n, kSide, kSide, 1}, pixels}, {label, DType::i64, {n}, {bytes, bytes + 8 * n}}};
}

struct Files {
  test::TemporaryFolder folder;
  std::string archive = folder.file("a.npz"), unpacked = folder.file("b");
  Files() {
    save_npz(archive, plain_images(40, 100));
    std::filesystem::create_directories(unpacked);
    const std::vector<NamedArray> more = plain_images(30, 140);
    save_npy(unpacked + "/images.npy", more[0]);
    save_npy(unpacked + "/labels.npy", more[1]);
  }
  std::shared_ptr<const MappedImages> images() const {
    return std::make_shared<MappedImages>(std::vector{archive, unpacked});
  }
  std::vector<std::string> set(const std::string& share = "0.6") const {
    return {"data.extra.files=[" + archive + ", " + unpacked + "]", "data.extra.share=" + share};
  }
};

/// Twenty own images; image i is full of the value i.
ImageSet own_images() {
  ImageSet set{.height = kSide, .width = kSide, .channels = 1, .classes = 3};
  for (int i = 0; i < 20; ++i) {
    set.pixels.insert(set.pixels.end(), kImage, static_cast<uint8_t>(i));
    set.labels.push_back(2 - i % 3);
  }
  return set;
}

struct Served {
  std::vector<float> images;
  std::vector<int32_t> labels, ids;
};

Served served(Engine& engine, Loader& loader, int64_t epoch, int64_t index) {
  const Arena::Scope scope(engine.arena());
  const Batch b = loader.load(epoch, index);
  Served s;
  for (const double v : test::numbers_of(engine, b.images)) s.images.push_back(static_cast<float>(v));
  const auto whole = [&](const Tensor& t) {
    std::vector<int32_t> values(static_cast<size_t>(t.numel()));
    copy(engine.stream(), values.data(), Device::cpu, t.data, t.device, t.bytes());
    synchronize(engine.stream());
    return values;
  };
  s.labels = whole(b.labels);
  s.ids = whole(b.ids);
  return s;
}

}  // namespace

TEST_CASE("mapped images are those of all files in turn", "[data]") {
  const Files files;
  const auto images = files.images();
  REQUIRE(images->size() == 70);
  CHECK(images->image_bytes() == kImage);
  for (const int64_t i : {0, 39, 40, 69}) {
    const auto image = images->image(i);
    CHECK(image.size() == kImage);
    CHECK(static_cast<uint8_t>(image.front()) == 100 + i);
    CHECK(static_cast<uint8_t>(image.back()) == 100 + i);
    CHECK(images->labels()[i] == (i < 40 ? i : i - 40) % 3);
  }
}

TEMPER_DEVICE_TEST("a batch has its share of extra images, each with its label", "[data]") {
  const Files files;
  Engine engine({.device = device});
  Loader loader(engine, own_images(), {.batch_size = 8, .extra = {.images = files.images(), .share = 0.7}});
  CHECK(loader.batches() == 3);  // 20 images, as the set has
  CHECK(loader.of_every_size() == std::vector<int64_t>{0});
  for (int64_t b = 0; b < 3; ++b) {
    CHECK(loader.counted(b) == 8);
    const Served s = served(engine, loader, 1, b);
    REQUIRE(s.ids.size() == 8);
    for (size_t i = 0; i < 8; ++i) {
      const int32_t id = s.ids[i];
      CHECK((id >= 20) == (i >= 3));  // 0.7 of 8 is 5
      const int value = id < 20 ? id : 100 + id - 20;
      const int32_t label = id < 20 ? 2 - id % 3 : (id - 20 < 40 ? id - 20 : id - 60) % 3;
      CHECK(s.labels[i] == label);
      for (int64_t p = 0; p < kImage; ++p) REQUIRE(s.images[i * kImage + p] == value / 255.f);
    }
  }
}

TEMPER_DEVICE_TEST("each source has its augmentation, by the ids of its images", "[data]") {
  const Files files;
  Engine engine({.device = device});
  const auto loaded = [&](Augmentation own, Augmentation extra, int64_t epoch) {
    Loader loader(engine, own_images(),
                  {.batch_size = 8,
                   .augmentation = own,
                   .extra = {.images = files.images(), .share = 0.5, .augmentation = extra}});
    return served(engine, loader, epoch, 0);
  };
  const auto zeros = [](const Served& s, int64_t first) {
    return std::count(s.images.begin() + first * kImage, s.images.begin() + (first + 4) * kImage, 0.f);
  };
  const Augmentation shifts{.crop_pad = 4};
  const Served none = loaded({}, {}, 1), own = loaded(shifts, {}, 1), extra = loaded({}, shifts, 1);
  CHECK(zeros(none, 4) == 0);
  CHECK(zeros(own, 4) == 0);
  CHECK(zeros(own, 0) > zeros(none, 0));
  CHECK(zeros(extra, 0) == zeros(none, 0));
  CHECK(zeros(extra, 4) > 0);
  CHECK(loaded({}, shifts, 1).images == extra.images);
}

TEST_CASE("own images come in whole passes over epochs, extra ones are drawn anew", "[data]") {
  const MixedOrder m{.own = 20, .extra = 1000, .batches = 3, .own_rows = 4, .extra_rows = 50};
  std::vector<int32_t> own;
  std::map<int32_t, int> drawn;
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    const std::vector<int32_t> order = mixed_order(m, 7, epoch);
    REQUIRE(order.size() == 162);
    for (size_t i = 0; i < order.size(); ++i)
      if (i % 54 < 4)
        own.push_back(order[i]);
      else
        ++drawn[order[i]];
    CHECK(order == mixed_order(m, 7, epoch));
    CHECK(order != mixed_order(m, 8, epoch));
    CHECK(order != mixed_order(m, 7, epoch + 1));
  }
  for (size_t pass = 0; pass < 12; ++pass) {
    const std::set<int32_t> all(own.begin() + pass * 20, own.begin() + (pass + 1) * 20);
    CHECK(all.size() == 20);
    CHECK(*all.rbegin() == 19);
  }
  CHECK(std::vector(own.begin(), own.begin() + 20) != std::vector(own.begin() + 20, own.begin() + 40));
  CHECK(drawn.begin()->first >= 20);
  CHECK(drawn.rbegin()->first < 1020);
  CHECK(drawn.size() > 900);  // of 3000 draws from 1000 images, 950 in the mean
  CHECK(drawn.size() < 990);
}

TEST_CASE("an epoch with extra images is as long as it is set", "[data]") {
  const Files files;
  Engine engine;
  const auto batches = [&](int64_t images, LastBatch last, double share = 0.5) {
    return Loader(engine, own_images(),
                  {.batch_size = 8,
                   .last_batch = last,
                   .extra = {.images = files.images(), .share = share, .epoch_images = images}})
        .batches();
  };
  CHECK(batches(0, LastBatch::keep) == 3);
  CHECK(batches(0, LastBatch::drop) == 2);
  CHECK(batches(50, LastBatch::keep) == 7);
  CHECK(batches(48, LastBatch::keep) == 6);
  CHECK(batches(48, LastBatch::pad) == 6);
  CHECK(batches(0, LastBatch::keep, 1) == 3);
}

TEST_CASE("a run with extra images that is stopped and resumed ends with the same bits", "[data]") {
  const Files files;
  std::vector<std::string> set = files.set();
  set.insert(set.end(), {"augment.crop_pad=2", "data.extra.augment={flip: random}", "data.extra.epoch_images=50",
                         "loop.checkpoint_steps=2"});
  const test::TemporaryFolder whole, cut;
  test::Recorder a, b;
  test::train(whole.path(), a, Resume::no, set);
  CHECK(a.starts.at(0).steps_per_epoch == 7);
  test::Signalling stop(SIGTERM, 2, 5);
  test::train(cut.path(), stop, Resume::no, set);
  CHECK(stop.epochs.size() == 1);
  test::train(cut.path(), b, Resume::yes, set);
  CHECK(test::last_checkpoint(whole.path()) == test::last_checkpoint(cut.path()));

  SECTION("other extra images are not those of the run") {
    save_npz(files.archive, plain_images(40, 101));
    CHECK_THROWS_WITH(test::train(cut.path(), b, Resume::yes, set), ContainsSubstring("extra images: other pixels"));
  }
}

TEST_CASE("steps with extra images that a GPU repeats leave the bits of steps that the host launches", "[cuda]") {
  TEMPER_NEEDS_CUDA();
  const Files files;
  const auto run = [&](const std::string& graph) {
    std::vector<std::string> set = files.set();
    set.insert(set.end(), {"graph=" + graph, "augment.crop_pad=2"});
    Experiment e = test::tiny("{name: standard}", test::on(Device::cuda, set));
    return test::first_steps(e, 15);
  };
  const test::Trace on = run("on");
  CHECK(on.launched > 0);
  CHECK(on.numbers == run("off").numbers);
}

TEST_CASE("extra images that do not fit are refused by name", "[data][errors]") {
  const Files files;
  const std::string& file = files.archive;
  const auto refused = [&](const std::string& why, std::vector<std::string> set) {
    const auto read = [&] {
      Experiment e = test::tiny(test::kPgdAt, set);
      TrainingState state(e, read_splits(e));
    };
    CHECK_THROWS_WITH(read(), ContainsSubstring(why));
  };
  refused("data.extra.share: expected 0 because there are no images to fill it: set files, or leave share out, got 0.8",
          {"data.extra.share=0.8"});
  refused("data.extra.share: expected more than 0 because files names images, got 0",
          {"data.extra.files=[" + file + "]"});
  refused("data.extra.share: 0.1 of a batch of 8 images is less than one; raise it, or the batch size",
          files.set("0.1"));
  refused("none.npz: cannot be read: No such file", {"data.extra.files=[none.npz]", "data.extra.share=0.5"});
  const auto with = [&](const std::vector<NamedArray>& arrays, const std::string& why) {
    save_npz(file, arrays);
    refused(why, files.set());
  };
  std::vector<NamedArray> other = plain_images(40, 0);
  other[0].shape = {160, 4, 4, 1};
  with(other, "label: 40 labels for 160 images");
  other = plain_images(40, 0);
  other[0].shape = {40, 4, 16, 1};
  with(other, "images are 8 x 8 x 1, but those of " + file + ": image are 4 x 16 x 1");
  other = plain_images(40, 0);
  other[1].bytes[8] = 7;
  with(other,
       file + ": image: the label of image 1 is 7, which is not in [0, 3); are these images of the same classes?");
  other = plain_images(40, 0);
  other[0].dtype = DType::f32, other[0].shape = {40, 4, 4, 1};
  with(other, "expected uint8 images (N, H, W, C), got '<f4' with 4 extents");
  with(plain_images(40, 0, "pictures"), "expected an array 'images' or 'image', got pictures, label");

  std::vector<NamedArray> small = plain_images(40, 0);
  for (NamedArray& a : small)
    if (a.shape.size() == 4) a.shape = {40, 4, 16, 1};
  save_npz(file, small);
  refused("images are 4 x 16 x 1, but the training images are 8 x 8 x 1; both go into one batch",
          {"data.extra.files=[" + file + "]", "data.extra.share=0.5"});
}
