#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/config.h"
#include "core/ops_loss.h"
#include "core/registry.h"
#include "core/tape.h"
#include "data/batch.h"
#include "kernels/runtime/live.h"
#include "nn/module.h"

namespace temper {

/// What an attack attacks: images to logits, with whatever BatchNorm mode the caller decided on.
using Classifier = std::function<Var(Tape& tape, const Var& images)>;
/// What an attack ascends: one value per sample (Reduction::none), from logits.
using Objective = std::function<Var(Tape& tape, const Var& logits)>;

/// Separates random numbers of repeated calls for the same samples: the epoch in training, 0 in evaluation.
using Draw = Live<uint32_t>;

enum class Norm : uint8_t { linf, l2 };

/// An evasion attack. Never writes its input; every sample's result depends on that sample, its id and the seed alone,
/// not on batch size, order or threads.
class Attack {
 public:
  virtual ~Attack() = default;
  virtual void fields(Fields&) {}
  /// Throws Error if images of this shape cannot be attacked so.
  virtual void check(const DataShape& /*shape*/) const {}
  /// Adversarial images, in the engine's arena: they live until the enclosing arena scope ends.
  virtual Tensor run(Engine& engine, const Batch& batch, const Classifier& classifier, Draw draw) const = 0;
  /// One line with every parameter, eps to six digits: what reports print.
  virtual std::string describe() const = 0;
};

}  // namespace temper
