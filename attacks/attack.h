#pragma once
#include <functional>
#include <memory>
#include <string>

#include "attacks/classifier.h"
#include "attacks/rows.h"
#include "core/config/config.h"
#include "core/ops/loss.h"
#include "core/registry.h"
#include "core/tape.h"
#include "data/batch.h"
#include "kernels/runtime/rng_stream.h"

namespace temper {

enum class Norm : uint8_t { linf, l2 };

/// What the caller of an attack is after: the images that the attack's own rule picks; or which samples can be fooled
/// at all, so that those which have been may be left out of the rest. For `success` the host looks at results between
/// runs, which a recorded step cannot.
enum class Wanted : uint8_t { images, success };

/// One use of an attack.
struct AttackCall {
  Engine& engine;
  const Batch& batch;
  const Classifier& classifier;
  RngStream random;  ///< TrainContext::random(name) in training, RngStream(seed) in evaluation
  Wanted wanted = Wanted::images;
};

/// What an attack found, a row for each sample, on the device, in the engine's arena: it lives until the enclosing
/// arena scope ends.
struct AttackResult {
  Tensor images;  ///< like the batch's
  Tensor
      success;   ///< (N), 1 where `images` are misclassified (or are taken for their target), else 0; none: not looked
  Tensor loss;   ///< (N), what the attack ascends, at `images`; none: not looked
  Tensor steps;  ///< (N) i32, steps made; none: not counted
  Tensor queries;  ///< (N) i32, forward passes; none: not counted
};

/// What an objective sees of one pass.
struct AttackView {
  Var images;           ///< where the attack is
  Var logits;           ///< of `images`
  const Taps& taps;     ///< what the classifier was told to tap
  const Batch& batch;   ///< the samples of this pass: clean images, labels, ids, targets
  const BatchRows& of;  ///< of(t): from a tensor with a row for each sample of the whole batch, the rows of this pass
};
/// What an attack ascends: one value per sample (Reduction::none).
using Objective = std::function<Var(Tape& tape, const AttackView& at)>;

/// An evasion attack. Never writes its input; every sample's result depends on that sample, its id and the seed alone,
/// not on batch size, order or threads. A batch with targets asks for images that are taken for those.
class Attack {
 public:
  virtual ~Attack() = default;
  virtual void fields(Fields&) {}
  /// Throws Error if images of this shape cannot be attacked so.
  virtual void check(const DataShape& /*shape*/) const {}
  virtual AttackResult run(const AttackCall& call) const = 0;
  /// One line with every parameter, eps to six digits: what reports print.
  virtual std::string describe() const = 0;
};

}  // namespace temper
