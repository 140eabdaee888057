#include "tests/analysis_fixture.h"

#include "core/ops/linear.h"
#include "core/ops/pool.h"

namespace temper::test {

namespace {

/// A bright or a dark left half, faint under noise.
struct Two : DatasetReader {
  ImageSet train() const override {
    ImageSet set{.height = 4, .width = 4, .channels = 1, .classes = 2};
    const RngKey key{.seed = 2, .purpose = Purpose::method};
    for (int i = 0; i < 24; ++i) {
      for (int k = 0; k < 16; ++k) {
        const float noise = random_uniform(key, static_cast<uint32_t>(i), static_cast<uint32_t>(k)) - 0.5f;
        const float side = k % 4 < 2 ? 12.f : 0.f;
        set.pixels.push_back(static_cast<uint8_t>(128 + (i % 2 ? side : -side) + 60 * noise));
      }
      set.labels.push_back(i % 2);
    }
    return set;
  }
  ImageSet test() const override { return train(); }
};

struct LinearNet : Architecture {
  struct Body : Module {
    Linear linear;
    Body(const Builder& b, const DataShape& d)
        : linear(b, "linear", {.in = d.height * d.width * d.channels, .out = d.classes}) {}
    Var forward(Tape& t, const Var& x, const Pass& p) const override {
      return linear(t, tap(p, "features", flatten(t, x)), p);
    }
  };
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<Body>(b, data);
  }
};

TEMPER_REGISTER(DatasetReader, Two, "test_two", "made up for tests");
TEMPER_REGISTER(Architecture, LinearNet, "test_linear", "a linear classifier of pixels, for tests");

}  // namespace

}  // namespace temper::test
