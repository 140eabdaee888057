#include "tests/training_fixture.h"

#include "core/ops/pool.h"

namespace temper::test {

namespace {

/// Stripes across, stripes down, or a disc, on noise. The test split cannot be read: nothing that trains may want it.
struct Stripes : DatasetReader {
  int64_t count = 60, classes_shown = 3;
  void fields(Fields& f) override {
    f("count", count, Limits::at_least(1), "images");
    f("classes_shown", classes_shown, Limits::between(1, 3), "how many of the three classes have an image");
  }
  ImageSet train() const override {
    ImageSet set{.height = 8, .width = 8, .channels = 1, .classes = 3};
    const RngKey key{.seed = 1, .purpose = Purpose::method};
    for (int64_t i = 0; i < count; ++i) {
      const int label = static_cast<int>(i % classes_shown);
      for (int r = 0; r < 8; ++r)
        for (int c = 0; c < 8; ++c) {
          const bool disc = (2 * r - 7) * (2 * r - 7) + (2 * c - 7) * (2 * c - 7) < 30;
          const bool on = label == 0 ? r % 2 == 0 : label == 1 ? c % 2 == 0 : disc;
          const float noise = random_uniform(key, static_cast<uint32_t>(i), static_cast<uint32_t>(8 * r + c));
          set.pixels.push_back(static_cast<uint8_t>((on ? 150 : 40) + 60 * noise));
        }
      set.labels.push_back(label);
    }
    return set;
  }
  ImageSet test() const override { fail("the test split was read during training"); }
};

struct TestNet : Architecture {
  struct Body : Module {
    ConvUnit one, two;
    PooledLinear head;
    Body(const Builder& b, const DataShape& d)
        : one(b, "conv1", "bn1", {.in = d.channels, .out = 4}),
          two(b, "conv2", "bn2", {.in = 4, .out = 8, .stride = 2}),
          head(b, "fc", {.in = 8, .out = d.classes}) {}
    Var forward(Tape& t, const Var& x, const Pass& p) const override {
      return head(t, two(t, one(t, x, p, {}, Activation::relu), p, {}, Activation::relu), p);
    }
  };
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<Body>(b, data);
  }
};

TEMPER_REGISTER(DatasetReader, Stripes, "test_stripes", "made up for tests");
TEMPER_REGISTER(Architecture, TestNet, "test_net", "two convolutions, for tests");

}  // namespace

}  // namespace temper::test
