#pragma once
#include "core/engine.h"
#include "core/tensor.h"

namespace temper {

/// Is shown what the attacks on an engine find: EngineOptions::attacks.
class AttackObserver {
 public:
  virtual ~AttackObserver() = default;
  /// `images` lie in the engine's arena, and are computed in its stream, in which the observer may ask for work of its
  /// own. A recorded step repeats that work without a call.
  virtual void on_found(Engine& engine, const Tensor& images) = 0;
};

}  // namespace temper
