#include "nn/basic_block.h"
#include "nn/chain.h"

namespace temper {
namespace {

/// Wide ResNet (Zagoruyko & Komodakis 2016) without dropout: names conv1, blockI.layer.J.*, bn1, fc. Convolutions
/// N(0, 2 / fan_out), linear bias zero, the rest PyTorch's default: what the papers' code does.
struct WideResNetBody : Module {
  Conv2d stem;
  Chain blocks;
  std::optional<BatchNorm> bn;
  std::optional<PooledLinear> head;

  WideResNetBody(const Builder& b, const DataShape& data, int per_block, int width)
      : stem(b, "conv1", {.in = data.channels, .out = 16, .init = init::he_out_rule}) {
    int64_t channels = 16;
    for (int i = 0; i < 3; ++i) {
      const Builder in = b / cat("block", i + 1) / "layer";
      auto stage = std::make_unique<Chain>();
      for (int j = 0; j < per_block; ++j) {
        const BlockSpec spec{.in = channels,
                             .out = (int64_t{16} << i) * width,
                             .stride = i > 0 && j == 0 ? 2 : 1,
                             .init = init::he_out_rule};
        stage->add(in.full(std::to_string(j)),
                   std::make_unique<PreactBlock>(in / std::to_string(j), spec, "convShortcut"));
        channels = spec.out;
      }
      blocks.add(b.full(cat("block", i + 1)), std::move(stage));
    }
    bn.emplace(b, "bn1", channels);
    head.emplace(b, "fc", Linear::Spec{.in = channels, .out = data.classes, .bias_init = init::zeros()});
  }
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override {
    const Var y = blocks.forward(tape, stem(tape, x, pass), pass);
    return (*head)(tape, (*bn)(tape, y, pass, {}, Activation::relu), pass);
  }
};

struct WideResNet : Architecture {
  int depth = 34, width = 10;

  void fields(Fields& f) override {
    f("depth", depth, Limits::between(10, 10000), "layers: 6n + 4, such as 28 or 34");
    if (depth % 6 != 4) f.reject("depth", "expected 6n + 4, such as 16, 28 or 34, got ", depth);
    f("width", width, Limits::between(1, 1000), "the factor on 16-32-64 channels");
  }
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<WideResNetBody>(b, data, (depth - 4) / 6, width);
  }
};
TEMPER_REGISTER(Architecture, WideResNet, "wide_resnet", "Wide ResNet of any depth and width; WRN-34-10 has 46.2 M");

}  // namespace
}  // namespace temper
