#pragma once
#include "nn/module.h"

namespace TEMPER_API temper {

/// One layer of `sequential`, as listed in a configuration.
class LayerSpec {
 public:
  virtual ~LayerSpec() = default;
  virtual void fields(Fields&) {}
  /// The required keys.
  virtual std::vector<const char*> required() const { return {}; }
  /// The layer for inputs of `shape`, (H, W, C) images or (C) features; sets `shape` to that of the output. Parameters
  /// are called NAME.weight etc. Throws Error if the input does not fit; the caller adds layer and position.
  virtual std::unique_ptr<Module> build(const Builder& b, const std::string& name, Shape& shape) const = 0;
};

/// A layer that can fuse the ReLU listed after it.
struct ActivatedLayer : Module {
  Activation activation = Activation::none;
};

}  // namespace temper
