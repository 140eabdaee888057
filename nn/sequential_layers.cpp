#include "core/ops/elementwise.h"
#include "core/ops/pool.h"
#include "nn/basic_block.h"
#include "nn/gates.h"
#include "nn/sequential.h"

namespace temper {
namespace {

void expect_images(const Shape& s) {
  TEMPER_CHECK(s.rank() == 3, "expected images (H, W, C), got ", s,
               "; no layer that needs images can follow flatten, "
               "global_avg_pool or linear");
}

int64_t window(int64_t in, int size, int stride, int pad) {
  TEMPER_CHECK(size >= 1 && stride >= 1 && pad >= 0 && in + 2 * pad >= size, "a window of ", size, " with stride ",
               stride, " and pad ", pad, " does not fit an extent of ", in);
  return (in + 2 * pad - size) / stride + 1;
}

constexpr Limits kOut = Limits::between(1, 1 << 24), kExtent = Limits::between(1, 1024),
                 kPad = Limits::between(0, 1024);

/// A module from a function.
template <class F>
struct Apply : Module {
  F f;
  explicit Apply(F f) : f(std::move(f)) {}
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override { return f(tape, x, pass); }
};
template <class F>
std::unique_ptr<Module> apply(F f) {
  return std::make_unique<Apply<F>>(std::move(f));
}

/// A Conv2d or BatchNorm.
template <class Layer>
struct Activated : ActivatedLayer {
  Layer layer;
  explicit Activated(Layer layer) : layer(std::move(layer)) {}
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override {
    return layer(tape, x, pass, {}, activation);
  }
};

struct ConvLayer : LayerSpec {
  int64_t out = 0;
  int size = 3, stride = 1, pad = 0;
  bool bias = true;

  void fields(Fields& f) override {
    f("out", out, kOut, "output channels; has to be given");
    f("size", size, kExtent, "of the square filter");
    f("stride", stride, kExtent, "pixels between outputs");
    f("pad", pad, kPad, "zeros around the image");
    f("bias", bias, "whether each output channel has a bias");
  }
  std::vector<const char*> required() const override { return {"out"}; }
  std::unique_ptr<Module> build(const Builder& b, const std::string& name, Shape& shape) const override {
    expect_images(shape);
    Conv2d conv(
        b, name,
        {.in = shape[2], .out = out, .size = size, .stride = stride, .pad = pad, .bias = bias ? Bias::yes : Bias::no});
    shape = {window(shape[0], size, stride, pad), window(shape[1], size, stride, pad), out};
    return std::make_unique<Activated<Conv2d>>(std::move(conv));
  }
};
TEMPER_REGISTER(LayerSpec, ConvLayer, "conv", "convolution: out, size, stride, pad, bias");

struct BatchNormLayer : LayerSpec {
  std::unique_ptr<Module> build(const Builder& b, const std::string& name, Shape& shape) const override {
    return std::make_unique<Activated<BatchNorm>>(BatchNorm(b, name, shape[-1]));
  }
};
TEMPER_REGISTER(LayerSpec, BatchNormLayer, "batch_norm", "batch normalisation, per channel");

struct ReluLayer : LayerSpec {
  std::unique_ptr<Module> build(const Builder&, const std::string&, Shape&) const override {
    return apply([](Tape& tape, const Var& x, const Pass& pass) {
      return pass.gates ? pass.gates->relu(tape, x) : relu(tape, x);
    });
  }
};
TEMPER_REGISTER(LayerSpec, ReluLayer, "relu", "max(x, 0)");

struct PoolLayer : LayerSpec {
  int size = 2, stride = 0, pad = 0;

  void fields(Fields& f) override {
    f("size", size, kExtent, "of the square window");
    if (!f.has("stride")) stride = size;
    f("stride", stride, kExtent, "default: size");
    f("pad", pad, kPad, "pixels around the image; ignored by the maximum, zeros for the mean");
  }
  PoolOptions pool(Shape& shape) const {
    expect_images(shape);
    TEMPER_CHECK(2 * pad <= size, "pad ", pad, " is more than half of size ", size);
    shape = {window(shape[0], size, stride, pad), window(shape[1], size, stride, pad), shape[2]};
    return {.size = size, .stride = stride, .pad = pad};
  }
};
struct MaxPoolLayer : PoolLayer {
  std::unique_ptr<Module> build(const Builder&, const std::string&, Shape& shape) const override {
    return apply([o = pool(shape)](Tape& tape, const Var& x, const Pass& pass) {
      TEMPER_CHECK(!pass.gates, "model: max_pool has no gates that could be held, which the method in training needs; ",
                   "use avg_pool or a stride");
      return max_pool(tape, x, o);
    });
  }
};
struct AvgPoolLayer : PoolLayer {
  std::unique_ptr<Module> build(const Builder&, const std::string&, Shape& shape) const override {
    return apply([o = pool(shape)](Tape& tape, const Var& x, const Pass&) { return avg_pool(tape, x, o); });
  }
};
TEMPER_REGISTER(LayerSpec, MaxPoolLayer, "max_pool", "maximum over windows: size, stride, pad");
TEMPER_REGISTER(LayerSpec, AvgPoolLayer, "avg_pool", "mean over windows, padding counted: size, stride, pad");

struct GlobalAvgPoolLayer : LayerSpec {
  std::unique_ptr<Module> build(const Builder&, const std::string&, Shape& shape) const override {
    expect_images(shape);
    shape = {shape[2]};
    return apply([](Tape& tape, const Var& x, const Pass&) { return global_avg_pool(tape, x); });
  }
};
TEMPER_REGISTER(LayerSpec, GlobalAvgPoolLayer, "global_avg_pool", "mean over the whole image, flattened");

struct FlattenLayer : LayerSpec {
  std::unique_ptr<Module> build(const Builder&, const std::string&, Shape& shape) const override {
    expect_images(shape);
    shape = {shape.numel()};
    return apply([](Tape& tape, const Var& x, const Pass&) { return flatten(tape, x); });
  }
};
TEMPER_REGISTER(LayerSpec, FlattenLayer, "flatten", "image to features, in PyTorch's order");

struct LinearLayer : LayerSpec {
  int64_t out = 0;
  bool bias = true;

  std::vector<const char*> required() const override { return {"out"}; }
  void fields(Fields& f) override {
    f("out", out, kOut, "output features; has to be given");
    f("bias", bias, "whether each output feature has a bias");
  }
  std::unique_ptr<Module> build(const Builder& b, const std::string& name, Shape& shape) const override {
    TEMPER_CHECK(shape.rank() == 1, "expected features, got images ", shape,
                 "; put flatten or global_avg_pool before it");
    const Linear layer(b, name, {.in = shape[0], .out = out, .bias = bias ? Bias::yes : Bias::no});
    shape = {out};
    return apply([=](Tape& tape, const Var& x, const Pass& pass) { return layer(tape, x, pass); });
  }
};
TEMPER_REGISTER(LayerSpec, LinearLayer, "linear", "fully connected: out, bias");

struct ResidualLayer : LayerSpec {
  int64_t out = 0;
  int stride = 1;
  BlockNorm norm = BlockNorm::batch;
  Shortcut shortcut = Shortcut::projection;

  std::vector<const char*> required() const override { return {"out"}; }
  void fields(Fields& f) override {
    f("out", out, kOut, "output channels; has to be given");
    f("stride", stride, kExtent, "of the first convolution");
    f.choice("norm", norm, {{"batch", BlockNorm::batch}, {"none", BlockNorm::none}},
             "BatchNorm after each convolution, or none and biases instead");
    f.choice("shortcut", shortcut, {{"projection", Shortcut::projection}, {"pad", Shortcut::pad}},
             "where the shape changes");
  }
  std::unique_ptr<Module> build(const Builder& b, const std::string& name, Shape& shape) const override {
    expect_images(shape);
    const BlockSpec spec{.in = shape[2], .out = out, .stride = stride, .shortcut = shortcut, .norm = norm};
    TEMPER_CHECK(shortcut == Shortcut::projection || out >= shape[2], "a padded shortcut cannot shrink ", shape[2],
                 " channels to ", out, "; use shortcut: projection");
    shape = {window(shape[0], 3, stride, 1), window(shape[1], 3, stride, 1), out};
    return std::make_unique<BasicBlock>(b / name, spec);
  }
};
TEMPER_REGISTER(LayerSpec, ResidualLayer, "residual",
                "basic block of two 3x3 convolutions: out, stride, norm, shortcut");

}  // namespace
}  // namespace temper
