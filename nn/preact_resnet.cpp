#include "nn/basic_block.h"
#include "nn/chain.h"

namespace temper {
namespace {

/// Pre-activation ResNet-18 (He et al. 2016b) in its usual CIFAR form: names conv1, layerI.J.*, linear.
struct PreactResNetBody : Module {
  Conv2d stem;
  Chain stages;
  std::optional<BatchNorm> final_bn;
  std::optional<PooledLinear> head;

  PreactResNetBody(const Builder& b, const DataShape& data, const std::string& last_bn)
      : stem(b, "conv1", {.in = data.channels, .out = 64}) {
    int64_t channels = 64;
    for (int i = 0; i < 4; ++i) {
      const Builder in = b / cat("layer", i + 1);
      auto stage = std::make_unique<Chain>();
      for (int j = 0; j < 2; ++j) {
        const BlockSpec spec{.in = channels, .out = int64_t{64} << i, .stride = i > 0 && j == 0 ? 2 : 1};
        stage->add(in.full(std::to_string(j)),
                   std::make_unique<PreactBlock>(in / std::to_string(j), spec, "shortcut.0"));
        channels = spec.out;
      }
      stages.add(b.full(cat("layer", i + 1)), std::move(stage));
    }
    if (!last_bn.empty()) final_bn.emplace(b, last_bn, channels);
    head.emplace(b, "linear", Linear::Spec{.in = channels, .out = data.classes});
  }
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override {
    Var y = stages.forward(tape, stem(tape, x, pass), pass);
    if (final_bn) y = (*final_bn)(tape, y, pass, {}, Activation::relu);
    return (*head)(tape, y, pass);
  }
};

/// PyTorch's default initialisation.
struct PreactResNet18 : Architecture {
  bool final_bn = false;

  void fields(Fields& f) override {
    f("final_bn", final_bn, "BatchNorm `bn` and ReLU before the pooling, as the paper and Rice et al. 2020 have it");
  }
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<PreactResNetBody>(b, data, final_bn ? "bn" : "");
  }
};
TEMPER_REGISTER(Architecture, PreactResNet18, "preact_resnet18", "pre-activation ResNet-18 in CIFAR form; 11.2 M");

}  // namespace
}  // namespace temper
