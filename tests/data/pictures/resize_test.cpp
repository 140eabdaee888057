#include "data/pictures/resize.h"

#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

Raster raster(int height, int width, std::vector<uint8_t> values) {
  return {.height = height, .width = width, .channels = 1, .bytes = std::move(values)};
}

std::vector<float> whole(const Raster& in, int height, int width) {
  return resize(in, {.height = height, .width = width, .rows = height, .columns = width});
}

}  // namespace

TEST_CASE("a picture of the right size stays as it is", "[pictures]") {
  const Raster in = raster(2, 3, {0, 1, 2, 127, 254, 255});
  const std::vector<float> out = whole(in, 2, 3);
  for (int i = 0; i < 6; ++i) CHECK(out[i] == in.bytes[i] / 255.f);
}

TEST_CASE("a plain picture stays plain at any size", "[pictures]") {
  const Raster in = raster(5, 7, std::vector<uint8_t>(35, 100));
  for (const auto& [h, w] : {std::pair{2, 3}, std::pair{11, 13}, std::pair{1, 20}, std::pair{5, 1}})
    for (const float v : whole(in, h, w)) CHECK(v == Approx(100 / 255.0).margin(1e-6));
}

TEST_CASE("sizes change by the cubics of Mitchell and Netravali, and of Catmull and Rom", "[pictures]") {
  // A white pixel among 6 black ones, to 3: the filter at (2j - 2.5) / 2 for the white pixel at 2, over its sum.
  const auto mitchell = [](double x) {
    x = std::abs(x);
    return x < 1   ? (7 * x * x * x - 12 * x * x + 16.0 / 3) / 6
           : x < 2 ? (-7.0 / 3 * x * x * x + 12 * x * x - 20 * x + 32.0 / 3) / 6
                   : 0;
  };
  const std::vector<float> small = whole(raster(1, 6, {0, 0, 255, 0, 0, 0}), 1, 3);
  for (int i = 0; i < 3; ++i) {
    const double centre = 2 * i + 0.5;
    double sum = 0;
    for (int j = -6; j < 12; ++j) sum += mitchell((j - centre) / 2);
    CHECK(small[i] == Approx(std::max(0.0, mitchell((2 - centre) / 2) / sum)).margin(1e-6));
  }
  // Between 0.2 and 0.4, 0.25 from the first: (-9 a + 111 b + 29 c - 3 d) / 128 with edges repeated.
  const std::vector<float> large = whole(raster(1, 2, {51, 102}), 1, 4);
  CHECK(large[1] == Approx((-9 * 0.2 + 111 * 0.2 + 29 * 0.4 - 3 * 0.4) / 128).margin(1e-6));
}

TEST_CASE("a part is what the whole has there", "[pictures]") {
  Raster in{.height = 9, .width = 14, .channels = 3};
  for (int i = 0; i < 9 * 14 * 3; ++i) in.bytes.push_back(static_cast<uint8_t>(i * 31));
  for (const auto& [h, w] : {std::pair{6, 8}, std::pair{20, 31}}) {
    const std::vector<float> all = whole(in, h, w),
                             part = resize(in, {.height = h, .width = w, .top = 1, .left = 3, .rows = 4, .columns = 5});
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 15; ++x) CHECK(part[y * 15 + x] == all[((y + 1) * w + 3) * 3 + x]);
  }
}

TEST_CASE("pictures of extreme shape cost what is wanted of them", "[pictures]") {
  Raster wide = raster(1, 1 << 20, std::vector<uint8_t>(1 << 20, 51));
  for (const int64_t width : {int64_t{8}, int64_t{8} << 20}) {  // squeezed, and the middle of a strip of 67 million
    const std::vector<float> out =
        resize(wide, {.height = 8, .width = width, .left = (width - 8) / 2, .rows = 8, .columns = 8});
    for (const float v : out) CHECK(v == Approx(0.2).margin(1e-5));
  }
  std::swap(wide.height, wide.width);
  for (const float v : whole(wide, 8, 8)) CHECK(v == Approx(0.2).margin(1e-5));
}
