#include "nn/chain.h"
#include "nn/layers.h"
#include "nn/resnet.h"

namespace temper {
namespace {

/// 3x3 convolutions with BatchNorm and ReLU, then global average pooling and a linear layer. Names convI, bnI, linear.
struct SmallCnnBody : Module {
  std::vector<ConvUnit> units;
  std::optional<PooledLinear> head;

  SmallCnnBody(const Builder& b, const DataShape& data, const std::vector<int>& widths,
               const std::vector<int>& strides) {
    int64_t channels = data.channels;
    for (size_t i = 0; i < widths.size(); ++i) {
      units.emplace_back(b, cat("conv", i + 1), cat("bn", i + 1),
                         ConvSpec{.in = channels, .out = widths[i], .stride = strides[i]});
      channels = widths[i];
    }
    head.emplace(b, "linear", Linear::Spec{.in = channels, .out = data.classes});
  }
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override {
    Var y = x;
    for (const ConvUnit& unit : units) y = unit(tape, y, pass, {}, Activation::relu);
    return (*head)(tape, y, pass);
  }
};

/// PyTorch's default initialisation.
struct SmallCnn : Architecture {
  std::vector<int> widths = {16, 32, 32, 64, 64};
  std::vector<int> strides = {1, 1, 2, 1, 2};

  void fields(Fields& f) override {
    f("widths", widths, kWidth, "channels of each convolution");
    check_widths(f, "widths", widths);
    f("strides", strides, Limits::between(1, 64), "stride of each convolution");
    if (strides.size() != widths.size())
      f.reject("strides", "expected one stride for each of the ", widths.size(), " widths, got ", strides.size());
  }
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<SmallCnnBody>(b, data, widths, strides);
  }
};
TEMPER_REGISTER(Architecture, SmallCnn, "small_cnn", "five convolutions with BatchNorm, for CPUs; 70 k");

}  // namespace
}  // namespace temper
