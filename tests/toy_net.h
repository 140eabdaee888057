#pragma once
// A small convolutional network made of core ops, with or without BatchNorm on running statistics: what attacks are
// tested on without the model zoo.
#include <algorithm>

#include "attacks/attack.h"
#include "core/ops/conv.h"
#include "core/ops/elementwise.h"
#include "core/ops/linear.h"
#include "core/ops/norm.h"
#include "core/ops/pool.h"
#include "tests/gradcheck.h"

namespace temper::test {

class ToyNet {
 public:
  static constexpr int64_t kSide = 8, kChannels = 3, kClasses = 5;

  explicit ToyNet(Engine& engine) {
    const std::vector<std::pair<const char*, Shape>> shapes = {{"conv1", {6, 3, 3, kChannels}},
                                                               {"bn.weight", {6}},
                                                               {"bn.bias", {6}},
                                                               {"bn.mean", {6}},
                                                               {"bn.var", {6}},
                                                               {"conv2", {8, 3, 3, 6}},
                                                               {"fc", {kClasses, 8}},
                                                               {"fc.bias", {kClasses}}};
    for (const auto& [name, shape] : shapes) store_.add(name, shape, {});
    values_ = std::make_unique<Flat>(store_, full_type(engine), engine.stream());
    for (int i = 0; i < store_.count(); ++i) values_->write(i, wave(store_[i].shape.numel(), i + 1));
    values_->write(4, {0.5, 1, 1.5, 2, 0.7, 0.9});
  }
  Var operator()(Tape& tape, const Var& x, bool batch_norm) const {
    const auto p = [&](int i) { return tape.param(*values_, i); };
    Var h = conv2d(tape, x, p(0), {}, {.stride = 1, .pad = 1});
    if (batch_norm)
      h = temper::batch_norm(tape, h, {p(1), p(2), values_->view(3), values_->view(4)},
                             {.stats = BnStats::running, .update = BnUpdate::no});
    h = conv2d(tape, relu(tape, h), p(5), {}, {.stride = 2, .pad = 1});
    return linear(tape, global_avg_pool(tape, relu(tape, h)), p(6), p(7));
  }
  Classifier classifier(bool batch_norm = false) const {
    return [this, batch_norm](Tape& tape, const Var& x) { return (*this)(tape, x, batch_norm); };
  }

 private:
  ParamStore store_;
  std::unique_ptr<Flat> values_;
};

/// Images in [0, 1], labels and ids of `n` samples; sample i is the same for every n.
struct ToyBatch {
  Batch batch;
  ToyBatch(Engine& engine, int64_t n, int64_t first = 0) {
    const Shape shape{n, ToyNet::kSide, ToyNet::kSide, ToyNet::kChannels};
    const int64_t size = shape.numel() / n;
    std::vector<double> images;
    std::vector<int32_t> labels, ids;
    for (int64_t i = first; i < first + n; ++i) {
      for (const double v : wave(size, static_cast<int>(i) + 20))  // some pixels on the border of the box
        images.push_back(std::clamp(0.5 + 0.6 * v, 0.0, 1.0));
      labels.push_back(static_cast<int32_t>(i % ToyNet::kClasses));
      ids.push_back(static_cast<int32_t>(i));
    }
    batch = {
        .images = tensor_of(engine, shape, images), .labels = labels_of(engine, labels), .ids = labels_of(engine, ids)};
  }
};

}  // namespace temper::test
