#pragma once
#include "core/engine.h"
#include "core/tensor.h"

namespace TEMPER_API temper {

/// Receives the results of all attacks on an engine (EngineOptions::attacks).
class AttackObserver {
 public:
  virtual ~AttackObserver() = default;
  /// Called at the end of an attack. `images` are in the engine's arena and may still be being computed in its stream;
  /// the observer may add work to that stream. A replayed step repeats that work without calling this.
  virtual void on_found(Engine& engine, const Tensor& images) = 0;
};

}  // namespace temper
