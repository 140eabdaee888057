#include "core/ops/elementwise.h"
#include "core/ops/image.h"
#include "nn/chain.h"
#include "nn/layers.h"

namespace temper {
namespace {

enum class Curve : uint8_t { relu, silu };

/// The running statistics' share of the newest batch, in all BatchNorms of this network.
constexpr double kMomentum = 0.01;

/// The activation of a BatchNorm, fused with it where there is a kernel for that.
Var activated(Tape& tape, const BatchNorm& bn, const Var& x, const Pass& pass, Curve curve) {
  return curve == Curve::relu ? bn(tape, x, pass, {}, Activation::relu) : silu(tape, bn(tape, x, pass));
}
Var activated(Tape& tape, const ConvUnit& unit, const Var& x, const Pass& pass, Curve curve) {
  return curve == Curve::relu ? unit(tape, x, pass, {}, Activation::relu) : silu(tape, unit(tape, x, pass));
}

struct Stage {
  int64_t in = 0, out = 0;
  int stride = 1;
};

/// a = act(batchnorm_0(x)); conv_1(act(batchnorm_1(conv_0(a)))) + x, or + shortcut(a), a strided 1x1 convolution, where
/// the channels change. A strided conv_0 is padded below and to the right only, as TensorFlow's SAME does.
struct Block : Module {
  Curve curve;
  int stride;
  BatchNorm bn;
  ConvUnit first;
  Conv2d second;
  std::optional<Conv2d> shortcut;

  Block(const Builder& b, const Stage& s, Curve curve)
      : curve(curve),
        stride(s.stride),
        bn(b, "batchnorm_0", s.in, kMomentum),
        first(b, "conv_0", "batchnorm_1",
              {.in = s.in, .out = s.out, .stride = s.stride, .pad = s.stride == 1 ? 1 : 0, .init = init::he_out_rule},
              kMomentum),
        second(b, "conv_1", {.in = s.out, .out = s.out, .init = init::he_out_rule}) {
    if (s.in != s.out)
      shortcut.emplace(
          b, "shortcut",
          ConvSpec{.in = s.in, .out = s.out, .size = 1, .stride = s.stride, .pad = 0, .init = init::he_out_rule});
  }
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override {
    const Var a = activated(tape, bn, x, pass, curve);
    const Var residual = shortcut ? (*shortcut)(tape, a, pass) : x;
    const Var y = activated(tape, first, stride == 1 ? a : pad_far(tape, a, 1, 1), pass, curve);
    return second(tape, y, pass, residual);
  }
};

/// Names init_conv, layer.I.block.J.*, batchnorm, logits.
struct Body : Module {
  Curve curve;
  Conv2d stem;
  Chain stages;
  std::optional<BatchNorm> bn;
  std::optional<PooledLinear> head;

  Body(const Builder& b, const DataShape& data, int per_stage, int width, Curve curve)
      : curve(curve), stem(b, "init_conv", {.in = data.channels, .out = 16, .init = init::he_out_rule}) {
    int64_t channels = 16;
    for (int i = 0; i < 3; ++i) {
      const Builder in = b / "layer" / std::to_string(i) / "block";
      auto stage = std::make_unique<Chain>();
      for (int j = 0; j < per_stage; ++j) {
        const Stage s{.in = channels, .out = (int64_t{16} << i) * width, .stride = i > 0 && j == 0 ? 2 : 1};
        stage->add(in.full(std::to_string(j)), std::make_unique<Block>(in / std::to_string(j), s, curve));
        channels = s.out;
      }
      stages.add(b.full(cat("layer.", i)), std::move(stage));
    }
    bn.emplace(b, "batchnorm", channels, kMomentum);
    head.emplace(b, "logits", Linear::Spec{.in = channels, .out = data.classes, .bias_init = init::zeros()});
  }
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override {
    const Var y = stages.forward(tape, stem(tape, x, pass), pass);
    return (*head)(tape, activated(tape, *bn, y, pass, curve), pass);
  }
};

/// The Wide ResNet of Gowal et al. 2020 and the code derived from theirs (Rebuffi et al. 2021, Rade & Moosavi-Dezfooli
/// 2021, Wang et al. 2023). It is wide_resnet but for the activation, the padding of strided convolutions, the momentum
/// of the running statistics and the names.
struct DeepMindWideResNet : Architecture {
  int depth = 28, width = 10;
  Curve curve = Curve::silu;

  void fields(Fields& f) override {
    f("depth", depth, Limits::between(10, 10000), "layers: 6n + 4, such as 28 or 70");
    if (depth % 6 != 4) f.reject("depth", "expected 6n + 4, such as 16, 28 or 70, got ", depth);
    f("width", width, Limits::between(1, 1000), "the factor on 16-32-64 channels");
    f.choice("activation", curve, {{"relu", Curve::relu}, {"silu", Curve::silu}},
             "silu: x / (1 + exp(-x)), which papers also call swish");
  }
  std::unique_ptr<Module> build(const Builder& b, const DataShape& data) const override {
    return std::make_unique<Body>(b, data, (depth - 4) / 6, width, curve);
  }
};
TEMPER_REGISTER(Architecture, DeepMindWideResNet, "deepmind_wide_resnet",
                "Wide ResNet with SiLU as Gowal et al. and Wang et al. train it; WRN-28-10 has 36.5 M");

}  // namespace
}  // namespace temper
