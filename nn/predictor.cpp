#include "nn/predictor.h"

#include <algorithm>

#include "nn/layers.h"

namespace temper {

namespace {

struct Predictor : Module {
  Linear narrow;
  BatchNorm bn;
  Linear wide;

  Predictor(const Builder& b, int64_t width, int64_t hidden)
      : narrow(b, "0", {.in = width, .out = hidden, .bias = Bias::no}),
        bn(b, "1", hidden),
        wide(b, "3", {.in = hidden, .out = width}) {}
  Var forward(Tape& tape, const Var& x, const Pass& pass) const override {
    return wide(tape, bn(tape, narrow(tape, x, pass), pass, {}, Activation::relu), pass);
  }
};

}  // namespace

Predictors::Predictors(Engine& engine, const std::vector<Feature>& features, DType dtype, uint64_t seed) {
  const Builder builder(params_, buffers_, {"main"});
  for (const Feature& f : features)
    all_.push_back(std::make_unique<Predictor>(builder / f.name, f.width, std::max<int64_t>(f.width / 4, 1)));
  weights_ = std::make_unique<Weights>(
      Weights{ParamBuffer(params_, dtype, engine.stream()), ParamBuffer(buffers_, dtype, engine.stream())});
  weights_->params.initialise(seed);
  weights_->buffers.initialise(seed);
}

Predictors::~Predictors() = default;

Var Predictors::operator()(Tape& tape, size_t i, const Var& x) const {
  Pass pass = Pass::train();
  pass.weights = weights_.get();
  return all_.at(i)->forward(tape, x, pass);
}

}  // namespace temper
