#include "kernels/runtime/philox.h"

#include <vector>

#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

std::vector<uint32_t> words(const Philox4& p) { return {p.x[0], p.x[1], p.x[2], p.x[3]}; }

}  // namespace

TEST_CASE("philox gives the known answers of Random123", "[rng]") {
  CHECK(words(philox(0, 0, 0, 0, 0)) == std::vector<uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(words(philox(~uint64_t{0}, ~0u, ~0u, ~0u, ~0u)) ==
        std::vector<uint32_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(words(philox(0x299f31d0a4093822, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344)) ==
        std::vector<uint32_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform numbers stay inside (0, 1) at both ends", "[rng]") {
  CHECK(uniform01(0) > 0.f);
  CHECK(uniform01(~0u) < 1.f);
}

TEST_CASE("every part of a key names another stream", "[rng]") {
  const RngKey key{.seed = 3};
  RngKey seed = key, stream_id = key, step = key, substream = key;
  seed.seed = 4;
  stream_id.stream_id = RngStreamId::method;
  step.step = 1;
  substream.substream = 1;
  for (const RngKey& other : {seed, stream_id, step, substream})
    CHECK(random_uniform(other, 5, 6) != random_uniform(key, 5, 6));
  CHECK(random_uniform(key, 5, 7) != random_uniform(key, 5, 6));
  CHECK(random_uniform(key, 6, 6) != random_uniform(key, 5, 6));
}

TEST_CASE("directions round to the floats that the library's sine and cosine give", "[rng]") {
  for (uint32_t i = 0; i < 1u << 23; i += 61) {
    const double turn = uniform01(i << 9), angle = 6.283185307179586 * turn;
    const Direction d = direction(turn);
    REQUIRE(static_cast<float>(d.cos) == static_cast<float>(std::cos(angle)));
    REQUIRE(static_cast<float>(d.sin) == static_cast<float>(std::sin(angle)));
  }
}

TEST_CASE("normal numbers have mean 0, variance 1 and kurtosis 3", "[rng]") {
  const int n = 40000;
  double m1 = 0, m2 = 0, m4 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random_normal({.seed = 1}, i % 7, i / 7);
    m1 += x / n, m2 += x * x / n, m4 += x * x * x * x / n;
  }
  CHECK(m1 == Approx(0).margin(0.02));
  CHECK(m2 == Approx(1).margin(0.03));
  CHECK(m4 == Approx(3).margin(0.2));
}
