#pragma once
#include "nn/module.h"

namespace temper {

/// One layer of `sequential`, as listed in a configuration.
class LayerSpec {
 public:
  virtual ~LayerSpec() = default;
  virtual void fields(Fields&) {}
  /// The keys without which there is no such layer.
  virtual std::vector<const char*> required() const { return {}; }
  /// The layer for inputs of `shape`, (H, W, C) images or (C) features, which becomes the output's shape. Parameters
  /// are called NAME.weight etc. Throws Error saying what does not fit; the caller adds which layer and where.
  virtual std::unique_ptr<Module> build(const Builder& b, const std::string& name, Shape& shape) const = 0;
};

/// A layer that applies the ReLU listed after it itself, in one pass over memory.
struct ActivatedLayer : Module {
  Activation activation = Activation::none;
};

}  // namespace temper
