#include "data/loader.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "data/shuffle.h"
#include "data/split.h"
#include "kernels/runtime/memory.h"
#include "tests/fixtures/devices.h"

using namespace temper;

namespace {

ImageSet random_set(int64_t n, int64_t h, int64_t w, int64_t c) {
  ImageSet set{.height = h, .width = w, .channels = c, .classes = 3};
  for (int64_t i = 0; i < n * h * w * c; ++i)
    set.pixels.push_back(static_cast<uint8_t>(philox(1, static_cast<uint32_t>(i), 0, 0, 0).x[0]));
  for (int64_t i = 0; i < n; ++i) set.labels.push_back(static_cast<int32_t>(i * i % 3));
  return set;
}

template <class T>
std::vector<T> host(Engine& engine, const Tensor& t) {
  std::vector<T> out(t.numel());
  copy(engine.stream(), out.data(), Device::cpu, t.data, t.device, t.bytes());
  synchronize(engine.stream());
  return out;
}

/// One epoch, concatenated.
struct Epoch {
  std::vector<float> images;
  std::vector<int32_t> labels, ids;
};

Epoch read_epoch(const ImageSet& set, int64_t epoch, LoaderOptions options, EngineOptions engine_options = {}) {
  Engine engine(engine_options);
  Loader loader(engine, set, options);
  Epoch out;
  for (int64_t b = 0; b < loader.batches(); ++b) {
    Arena::Scope scope(engine.arena());
    const Batch batch = loader.load(epoch, b);
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(out.images, host<float>(engine, batch.images));
    append(out.labels, host<int32_t>(engine, batch.labels));
    append(out.ids, host<int32_t>(engine, batch.ids));
  }
  return out;
}

bool operator==(const Epoch& a, const Epoch& b) {
  return a.images == b.images && a.labels == b.labels && a.ids == b.ids;
}

const Augmentation kVaried{.crop_pad = 2, .padding = Padding::reflect, .flip = Flip::random};

}  // namespace

TEST_CASE("a permutation is one, and a function of its key", "[data]") {
  for (const int64_t n : {0, 1, 2, 1000}) {
    std::vector<int32_t> order = permutation(n, {.seed = 3, .stream_id = RngStreamId::shuffle, .step = 7}),
                         sorted = order;
    std::sort(sorted.begin(), sorted.end());
    std::vector<int32_t> all(n);
    std::iota(all.begin(), all.end(), 0);
    CHECK(sorted == all);
    CHECK(order == permutation(n, {.seed = 3, .stream_id = RngStreamId::shuffle, .step = 7}));
  }
  const RngKey key{.seed = 3, .stream_id = RngStreamId::shuffle, .step = 7};
  CHECK(permutation(100, key) != permutation(100, {.seed = 4, .stream_id = RngStreamId::shuffle, .step = 7}));
  CHECK(permutation(100, key) != permutation(100, {.seed = 3, .stream_id = RngStreamId::shuffle, .step = 8}));
  // Every place is about equally likely for element 0.
  std::vector<int> at(5, 0);
  for (uint32_t s = 0; s < 5000; ++s) {
    const auto order = permutation(5, {.seed = 1, .stream_id = RngStreamId::shuffle, .step = s});
    ++at[std::find(order.begin(), order.end(), 0) - order.begin()];
  }
  for (const int count : at) CHECK(std::abs(count - 1000) < 120);
}

TEST_CASE("an unshuffled loader serves the set in order, ragged last batch included", "[data]") {
  const ImageSet set = random_set(10, 3, 5, 2);
  const Epoch epoch = read_epoch(set, 4, {.batch_size = 4});
  std::vector<int32_t> all(10);
  std::iota(all.begin(), all.end(), 0);
  CHECK(epoch.ids == all);
  CHECK(epoch.labels == set.labels);
  REQUIRE(epoch.images.size() == set.pixels.size());
  for (size_t i = 0; i < set.pixels.size(); ++i) REQUIRE(epoch.images[i] == set.pixels[i] / 255.f);
  Engine engine;
  Loader loader(engine, set, {.batch_size = 4});
  CHECK(loader.batches() == 3);
  CHECK(loader.load(0, 2).images.shape == Shape{2, 3, 5, 2});
  Engine f64({.compute = DType::f64});
  CHECK(Loader(f64, set, {}).load(0, 0).images.dtype == DType::f64);
}

TEST_CASE("a last batch that is not full is kept, left out or filled up", "[data]") {
  const ImageSet set = random_set(10, 3, 5, 2);
  const auto options = [](LastBatch last) {
    return LoaderOptions{.batch_size = 4, .shuffle = Shuffle::every_epoch, .augmentation = kVaried, .last_batch = last};
  };
  const Epoch kept = read_epoch(set, 3, options(LastBatch::keep)), left = read_epoch(set, 3, options(LastBatch::drop)),
              filled = read_epoch(set, 3, options(LastBatch::pad));
  const size_t image = 3 * 5 * 2;
  CHECK(kept.ids.size() == 10);
  CHECK(left.ids == std::vector<int32_t>(kept.ids.begin(), kept.ids.begin() + 8));
  CHECK(left.images == std::vector<float>(kept.images.begin(), kept.images.begin() + 8 * image));
  // The samples that count are those of the kept batch; the others were there before, with the same numbers.
  REQUIRE(filled.ids.size() == 12);
  CHECK(std::vector<float>(filled.images.begin(), filled.images.begin() + 10 * image) == kept.images);
  CHECK(std::vector<int32_t>(filled.ids.begin() + 10, filled.ids.end()) ==
        std::vector<int32_t>(kept.ids.begin(), kept.ids.begin() + 2));
  CHECK(std::vector<float>(filled.images.begin() + 10 * image, filled.images.end()) ==
        std::vector<float>(kept.images.begin(), kept.images.begin() + 2 * image));

  Engine engine;
  const Loader keep(engine, set, options(LastBatch::keep)), drop(engine, set, options(LastBatch::drop)),
      pad(engine, set, options(LastBatch::pad));
  CHECK(std::vector{keep.batches(), drop.batches(), pad.batches()} == std::vector<int64_t>{3, 2, 3});
  CHECK(std::vector{keep.counted(0), keep.counted(2), pad.counted(0), pad.counted(2)} ==
        std::vector<int64_t>{4, 2, 4, 2});
  CHECK(keep.of_every_size() == std::vector<int64_t>{0, 2});
  CHECK(drop.of_every_size() == std::vector<int64_t>{0});
  CHECK(pad.of_every_size() == std::vector<int64_t>{0});

  SECTION("a set that fills its batches is served the same") {
    const LoaderOptions whole{.batch_size = 5};
    for (const LastBatch last : {LastBatch::drop, LastBatch::pad})
      CHECK(read_epoch(set, 0, {.batch_size = 5, .last_batch = last}) == read_epoch(set, 0, whole));
  }
  SECTION("an only batch is not filled up") {
    CHECK(read_epoch(set, 0, {.batch_size = 64, .last_batch = LastBatch::pad}).ids.size() == 10);
  }
}

TEST_CASE("a shuffled epoch holds every sample once with its own label, and differs from the next", "[data]") {
  const ImageSet set = random_set(50, 4, 4, 1);
  const LoaderOptions options{.batch_size = 8, .shuffle = Shuffle::every_epoch};
  const Epoch one = read_epoch(set, 1, options), two = read_epoch(set, 2, options);
  CHECK(one.ids != two.ids);
  CHECK(std::set<int32_t>(one.ids.begin(), one.ids.end()).size() == 50);
  for (size_t i = 0; i < 50; ++i) {
    CHECK(one.labels[i] == set.labels[one.ids[i]]);
    for (int64_t p = 0; p < 16; ++p) REQUIRE(one.images[i * 16 + p] == set.pixels[one.ids[i] * 16 + p] / 255.f);
  }
  CHECK_FALSE(one == read_epoch(set, 1, options, {.seed = 9}));
}

TEST_CASE("batches do not depend on batch size, threads, or what was loaded before", "[data]") {
  const ImageSet set = random_set(300, 12, 12, 3);
  LoaderOptions options{.batch_size = 7, .shuffle = Shuffle::every_epoch, .augmentation = kVaried};
  const Epoch want = read_epoch(set, 3, options);
  CHECK_FALSE(want == read_epoch(set, 4, options));
  options.batch_size = 128;
  CHECK(want == read_epoch(set, 3, options));
  CHECK(want == read_epoch(set, 3, options, {.threads = 1}));
  CHECK(want == read_epoch(set, 3, options, {.threads = 3}));

  Engine engine;
  Loader loader(engine, set, options);
  loader.load(1, 0);
  loader.load(2, 2);
  const std::vector<float> images = host<float>(engine, loader.load(3, 2).images);
  CHECK(std::equal(images.begin(), images.end(), want.images.begin() + 256 * 12 * 12 * 3));
}

TEMPER_DEVICE_TEST("batches have the same bits", "[data]") {
  const ImageSet set = random_set(300, 12, 12, 3);
  const LoaderOptions options{.shuffle = Shuffle::every_epoch, .augmentation = kVaried};
  CHECK(read_epoch(set, 3, options) == read_epoch(set, 3, options, {.device = device, .threads = 1}));
}

TEST_CASE("augmentation draws every shift and both flips, anew every epoch", "[data]") {
  const ImageSet set = random_set(2000, 6, 6, 1);
  const Epoch epoch = read_epoch(set, 1, {.batch_size = 500, .augmentation = {.crop_pad = 1, .flip = Flip::random}});
  std::vector<int> count(18, 0);
  for (int64_t i = 0; i < 2000; ++i)
    for (int variant = 0; variant < 18; ++variant) {
      const int dy = variant / 6 - 1, dx = variant / 2 % 3 - 1;
      bool same = true;
      for (int y = 0; y < 6; ++y)
        for (int x = 0; x < 6; ++x) {
          const int sy = y + dy, sx = (variant % 2 ? 5 - x : x) + dx;
          const bool inside = sy >= 0 && sy < 6 && sx >= 0 && sx < 6;
          same = same && epoch.images[i * 36 + y * 6 + x] == (inside ? set.pixels[i * 36 + sy * 6 + sx] / 255.f : 0.f);
        }
      count[variant] += same;
    }
  CHECK(std::accumulate(count.begin(), count.end(), 0) == 2000);
  for (const int c : count) CHECK(std::abs(c - 111) < 45);
}

TEST_CASE("a set with a crop gives random squares of its images, and its middle on request", "[data]") {
  ImageSet set = random_set(900, 4, 5, 1);
  set.crop = 3;
  const Epoch epoch = read_epoch(set, 1, {.batch_size = 500});
  REQUIRE(epoch.images.size() == 900 * 9);
  std::vector<int> count(6, 0);
  for (int64_t i = 0; i < 900; ++i)
    for (int place = 0; place < 6; ++place) {
      bool same = true;
      for (int p = 0; p < 9; ++p)
        same =
            same && epoch.images[i * 9 + p] == set.pixels[i * 20 + (p / 3 + place / 3) * 5 + p % 3 + place % 3] / 255.f;
      count[place] += same;
    }
  CHECK(std::accumulate(count.begin(), count.end(), 0) == 900);
  for (const int c : count) CHECK(std::abs(c - 150) < 50);
  const ImageSet middle = set.subset({7, 3}).center();
  CHECK(middle.height == 3);
  CHECK(middle.crop == 0);
  CHECK(middle.labels == std::vector<int32_t>{set.labels[7], set.labels[3]});
  for (int p = 0; p < 9; ++p) CHECK(middle.pixels[9 + p] == set.pixels[3 * 20 + p / 3 * 5 + p % 3 + 1]);
}

TEST_CASE("a validation split is disjoint, complete, seeded and balanced", "[data]") {
  ImageSet set = random_set(100, 1, 1, 1);
  for (int i = 0; i < 100; ++i) set.pixels[i] = static_cast<uint8_t>(i), set.labels[i] = i < 50 ? 0 : i < 80 ? 1 : 2;
  for (const SplitKind kind : {SplitKind::stratified, SplitKind::plain}) {
    const auto [train, validation] = split_validation(set, 21, 7, kind);
    CHECK(train.size() == 79);
    CHECK(validation.size() == 21);
    std::set<uint8_t> all(train.pixels.begin(), train.pixels.end());
    all.insert(validation.pixels.begin(), validation.pixels.end());
    CHECK(all.size() == 100);
    CHECK(std::is_sorted(train.pixels.begin(), train.pixels.end()));
    CHECK(std::is_sorted(validation.pixels.begin(), validation.pixels.end()));
    for (int64_t i = 0; i < 21; ++i) CHECK(validation.labels[i] == set.labels[validation.pixels[i]]);
    CHECK(split_validation(set, 21, 7, kind).second.pixels == validation.pixels);
    CHECK(split_validation(set, 21, 8, kind).second.pixels != validation.pixels);
    CHECK(split_validation(set, 0, 7, kind).first.pixels == set.pixels);
  }
  const auto counts = [](const ImageSet& s) {
    std::vector<int> n(3, 0);
    for (const int32_t l : s.labels) ++n[l];
    return n;
  };
  CHECK(counts(split_validation(set, 20, 1).second) == std::vector<int>{10, 6, 4});
  CHECK(counts(split_validation(set, 21, 1).second) == std::vector<int>{11, 6, 4});  // shares 10.5, 6.3, 4.2
}

TEST_CASE("loader and split errors", "[data][errors]") {
  Engine engine;
  ImageSet set = random_set(10, 3, 5, 2);
  CHECK_THROWS_WITH(Loader(engine, set, {.batch_size = 0}), "loader: expected a batch_size of 1 or more, got 0");
  CHECK_THROWS_WITH(Loader(engine, set, {.augmentation = {.crop_pad = 3, .padding = Padding::reflect}}),
                    "loader: images are 3 x 5 so a reflecting crop_pad must be smaller than that, got 3");
  CHECK_THROWS_WITH(Loader(engine, set, {}).load(0, 1), "loader: an epoch has 1 batches, batch 1 was asked for");
  CHECK_THROWS_WITH(Loader(engine, set, {}).load(-1, 0), "loader: expected an epoch of 0 or more, got -1");
  CHECK_THROWS_WITH(Loader(engine, ImageSet{}, {}), "loader: holds no images");
  CHECK_THROWS_WITH(Loader(engine, set, {.batch_size = 11, .last_batch = LastBatch::drop}),
                    "loader: 10 samples do not fill a batch of 11 and a last batch that is not full is left out; lower "
                    "the batch size, or keep the last batch");
  ImageSet small = set;
  small.crop = 4;
  CHECK_THROWS_WITH(Loader(engine, small, {}),
                    "loader: images are 3 x 5 so random crops can have a side of 1 to 3 (0: none), got 4");
  CHECK_THROWS_WITH(set.subset({3, 10}), "subset: index 10 is not in a set of 10 images");
  CHECK_THROWS_WITH(split_validation(set, 10, 1),
                    "data.validation: expected 0 to 9 because the training split has 10 images, got 10");
  set.labels[4] = 3;
  CHECK_THROWS_WITH(Loader(engine, set, {}),
                    "loader: the label of image 4 is 3, which is not in [0, 3); is this the right file?");
  set.pixels.pop_back();
  CHECK_THROWS_WITH(Loader(engine, set, {}), "loader: 10 labels of 3 x 5 x 2 images need 300 pixel bytes, got 299");
  Augmentation a;
  const Config config = parse_config("crop_pad: -1");
  Fields f(config);
  CHECK_THROWS_WITH(a.fields(f), "config line 1: crop_pad: expected 0 to 1024, got -1");
}
