#include "nn/resnet.h"

namespace temper {
namespace {

/// A residual network that trains on a CPU: one basic block per stage, PyTorch's default initialisation.
struct SmallResNet : Architecture {
  std::vector<int> widths = {16, 32, 64};
  int blocks = 1;

  void fields(Fields& f) override {
    f("widths", widths, kWidth, "channels of each stage; every stage but the first halves the image");
    check_widths(f, "widths", widths);
    f("blocks", blocks, Limits::between(1, 1000), "basic blocks of each stage");
  }
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<ResNet>(
        b, data,
        ResNetSpec{.widths = {widths.begin(), widths.end()}, .blocks = std::vector<int>(widths.size(), blocks)});
  }
};
TEMPER_REGISTER(Architecture, SmallResNet, "small_resnet",
                "a residual network for CPUs: 16-32-64, one block each; 78 k");

}  // namespace
}  // namespace temper
