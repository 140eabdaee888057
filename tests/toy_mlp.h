#pragma once
// The network on which reference implementations of attacks were run.
#include <cmath>
#include <memory>
#include <vector>

#include "core/ops/linear.h"
#include "data/batch.h"
#include "tests/tensors.h"

namespace temper::test {

/// Four images of 12 pixels, eight tanh units, five classes, all by formula, in f64.
class ToyMlp {
 public:
  explicit ToyMlp(Engine& engine) {
    for (const auto& [name, shape] :
         std::vector<std::pair<const char*, Shape>>{{"w1", {8, 12}}, {"b1", {8}}, {"w2", {5, 8}}, {"b2", {5}}})
      store_.add(name, shape, {});
    values_ = std::make_unique<Flat>(store_, DType::f64, engine.stream());
    std::vector<double> w1, b1, w2, b2;
    for (int h = 0; h < 8; ++h) {
      for (int k = 0; k < 12; ++k) w1.push_back(std::sin(1 + .5 * h + 1.3 * k));
      b1.push_back(.1 * std::cos(h));
    }
    for (int c = 0; c < 5; ++c) {
      for (int h = 0; h < 8; ++h) w2.push_back(2 * std::cos(.3 + .9 * c + .4 * h));
      b2.push_back(.05 * c);
    }
    values_->write(0, w1), values_->write(1, b1), values_->write(2, w2), values_->write(3, b2);
  }
  Var operator()(Tape& tape, const Var& x) const {
    const auto p = [&](int i) { return tape.param(*values_, i); };
    return linear(tape, tanh(tape, linear(tape, x, p(0), p(1))), p(2), p(3));
  }
  static Batch batch(Engine& engine) {
    std::vector<double> images;
    for (int n = 0; n < 4; ++n)
      for (int k = 0; k < 12; ++k) images.push_back(.5 + .4 * std::sin(.7 * (n + 1) * (k + 1)));
    return {.images = tensor_of(engine, {4, 12}, images),
            .labels = labels_of(engine, {0, 0, 0, 1}),
            .ids = labels_of(engine, {0, 1, 2, 3})};
  }

 private:
  static Var tanh(Tape& tape, const Var& x) {
    const Tensor y = tape.alloc(x.value.shape, DType::f64);
    std::vector<double> values = numbers_of(tape.engine(), x.value);
    for (double& v : values) v = std::tanh(v);
    write_numbers(tape.engine(), y, values);
    return tape.record("tanh", y, {x}, [=](Tape& tape, const Tensor& dy) {
      std::vector<double> into = numbers_of(tape.engine(), dy);
      for (size_t i = 0; i < into.size(); ++i) into[i] *= 1 - values[i] * values[i];
      write_numbers(tape.engine(), tape.sink(x).into, into);
    });
  }
  ParamStore store_;
  std::unique_ptr<Flat> values_;
};

}  // namespace temper::test
