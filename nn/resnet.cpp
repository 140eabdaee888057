#include "nn/resnet.h"

namespace temper {

namespace {

std::unique_ptr<Chain> make_stage(const Builder& b, const BlockSpec& first, int count) {
  auto stage = std::make_unique<Chain>();
  BlockSpec spec = first;
  for (int i = 0; i < count; ++i) {
    const Builder in = b / std::to_string(i);
    stage->add(b.full(std::to_string(i)), std::make_unique<BasicBlock>(in, spec));
    spec.in = spec.out;
    spec.stride = 1;
  }
  return stage;
}

}  // namespace

ResNet::ResNet(const Builder& b, const DataShape& data, const ResNetSpec& spec)
    : stem_(b, "conv1", "bn1", {.in = data.channels, .out = spec.widths[0], .init = spec.init}) {
  int64_t channels = spec.widths[0];
  for (size_t i = 0; i < spec.widths.size(); ++i) {
    const std::string name = cat("layer", i + 1);
    const BlockSpec first{
        .in = channels, .out = spec.widths[i], .stride = i == 0 ? 1 : 2, .shortcut = spec.shortcut, .init = spec.init};
    stages_.add(b.full(name), make_stage(b / name, first, spec.blocks[i]));
    channels = spec.widths[i];
  }
  head_.emplace(b, "linear", Linear::Spec{.in = channels, .out = data.classes, .init = spec.init});
}

Var ResNet::forward(Tape& tape, const Var& x, const Pass& pass) const {
  return (*head_)(tape, stages_.forward(tape, stem_(tape, x, pass, {}, Activation::relu), pass), pass);
}

void check_widths(const Fields& f, const char* key, const std::vector<int>& widths) {
  if (widths.empty()) f.reject(key, "expected at least one width");
}

namespace {

/// PyTorch's default initialisation throughout, as in the usual CIFAR code.
struct ResNet18 : Architecture {
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<ResNet>(b, data, ResNetSpec{.widths = {64, 128, 256, 512}, .blocks = {2, 2, 2, 2}});
  }
};
TEMPER_REGISTER(Architecture, ResNet18, "resnet18", "ResNet-18 in CIFAR form: 3x3 stem, no max pooling; 11.2 M");

struct ResNet34 : Architecture {
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<ResNet>(b, data, ResNetSpec{.widths = {64, 128, 256, 512}, .blocks = {3, 4, 6, 3}});
  }
};
TEMPER_REGISTER(Architecture, ResNet34, "resnet34", "ResNet-34 in CIFAR form: 3x3 stem, no max pooling; 21.3 M");

}  // namespace
}  // namespace temper
