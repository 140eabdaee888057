// CutMix and Cutout, as batches have them.
#include <algorithm>
#include <numeric>

#include "data/loader.h"
#include "tests/fixtures/devices.h"
#include "tests/fixtures/tensors.h"

using namespace temper;

namespace {

constexpr int64_t kSide = 12, kImage = kSide * kSide;

/// 64 images; every pixel of image i is i + 1, which is also its label.
ImageSet plain_set() {
  ImageSet set{.height = kSide, .width = kSide, .channels = 1, .classes = 65};
  for (int i = 0; i < 64; ++i) {
    set.pixels.insert(set.pixels.end(), kImage, static_cast<uint8_t>(i + 1));
    set.labels.push_back(i + 1);
  }
  return set;
}

struct Loaded {
  std::vector<int> images, labels, other;
  std::vector<double> share;
};

Loaded load(Device device, LoaderOptions options, int64_t epoch = 1, int64_t batch = 0) {
  Engine engine({.device = device});
  Loader loader(engine, plain_set(), options);
  const Batch b = loader.load(epoch, batch);
  Loaded out;
  for (const double v : test::numbers_of(engine, b.images))
    out.images.push_back(static_cast<int>(std::lround(v * 255)));
  const auto whole = [&](const Tensor& t) {
    std::vector<int> values(static_cast<size_t>(t.numel()));
    copy(engine.stream(), values.data(), Device::cpu, t.data, t.device, t.bytes());
    synchronize(engine.stream());
    return values;
  };
  out.labels = whole(b.labels);
  if (b.other_labels) out.other = whole(b.other_labels), out.share = test::numbers_of(engine, b.other_share);
  return out;
}

}  // namespace

TEMPER_DEVICE_TEST("a mixed image has two labels, each with its share of the pixels", "[data]") {
  const LoaderOptions options{.batch_size = 32, .shuffle = Shuffle::every_epoch, .cutmix = 0.75};
  const Loaded b = load(device, options);
  int mixed = 0;
  for (int64_t i = 0; i < 32; ++i) {
    const auto image = b.images.begin() + i * kImage;
    const auto own = std::count(image, image + kImage, b.labels[i]),
               other = std::count(image, image + kImage, b.other[i]);
    mixed += b.share[i] > 0;
    if (b.other[i] == b.labels[i]) {
      CHECK(b.share[i] == 0);
      CHECK(own == kImage);
      continue;
    }
    CHECK(own + other == kImage);
    CHECK(b.share[i] == Approx(static_cast<double>(other) / kImage));
    CHECK(std::find(b.labels.begin(), b.labels.end(), b.other[i]) != b.labels.end());
  }
  CHECK(mixed > 14);
  CHECK(mixed < 32);
  CHECK(load(device, options).images == b.images);
  CHECK(load(device, options, 2).images != b.images);
  CHECK(load(device, {.batch_size = 32}).other.empty());
}

TEST_CASE("the box of a mixed image covers a quarter of it in the mean, as for Beta(1, 1)", "[data]") {
  double sum = 0;
  for (int64_t epoch = 0; epoch < 30; ++epoch)
    for (const double share : load(Device::cpu, {.batch_size = 64, .cutmix = 1}, epoch).share) sum += share;
  // Less than the half that u has, because boxes are cut off at the edges: 0.262 in a calculation over all boxes.
  CHECK(sum / (30 * 64) == Approx(0.262).margin(0.015));
}

TEMPER_DEVICE_TEST("Cutout puts a square of zeros into each image, cut off at its edges", "[data]") {
  const Loaded b = load(device, {.batch_size = 64, .augmentation = {.cutout = 6}});
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < 64; ++i) {
    int64_t top = kSide, bottom = -1, left = kSide, right = -1, zeros = 0;
    for (int64_t p = 0; p < kImage; ++p) {
      if (b.images[i * kImage + p] != 0) continue;
      ++zeros;
      top = std::min(top, p / kSide), bottom = std::max(bottom, p / kSide);
      left = std::min(left, p % kSide), right = std::max(right, p % kSide);
    }
    REQUIRE(zeros > 0);
    CHECK(zeros == (bottom - top + 1) * (right - left + 1));
    CHECK(bottom - top + 1 <= 6);
    CHECK(right - left + 1 <= 6);
    CHECK(bottom - top + 1 >= 3);
    sizes.push_back(zeros);
  }
  CHECK(*std::max_element(sizes.begin(), sizes.end()) == 36);
  CHECK(*std::min_element(sizes.begin(), sizes.end()) < 36);
}
