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

namespace TEMPER_API temper {

enum class Norm : uint8_t { linf, l2 };

/// What the caller wants from an attack. images: the adversarial images that the attack's own rule selects. success:
/// which samples can be fooled at all; the attack may then leave out samples that have been fooled already. For
/// `success` the host reads results between runs, so it cannot be captured.
enum class Wanted : uint8_t { images, success };

/// One use of an attack.
struct AttackCall {
  Engine& engine;
  const Batch& batch;
  const Classifier& classifier;
  RngStream random;  ///< TrainContext::random(name) in training, RngStream(seed) in evaluation
  Wanted wanted = Wanted::images;
};

/// The results of an attack, one row per sample, in the engine's arena: valid until the enclosing arena scope ends.
struct AttackResult {
  Tensor images;   ///< like the batch's
  Tensor success;  ///< (N), 1 if misclassified (targeted: classified as the target), else 0; empty: not computed
  Tensor loss;     ///< (N), the objective at `images`; empty: not computed
  Tensor steps;    ///< (N) i32, steps made; empty: not counted
  Tensor queries;  ///< (N) i32, forward passes; empty: not counted
};

/// The arguments of an objective in one forward pass, which may be over a part of the batch.
struct AttackView {
  Var images;           ///< the current point
  Var logits;           ///< of `images`
  const Taps& taps;     ///< the features that the classifier taps
  const Batch& batch;   ///< the samples of this pass: clean images, labels, ids, targets
  const BatchRows& of;  ///< of(t): the rows of this pass, of a tensor with one row per sample of the whole batch
};
/// The objective that an attack maximises: one value per sample (Reduction::none).
using Objective = std::function<Var(Tape& tape, const AttackView& at)>;

/// An evasion attack. It never changes its input. The result of a sample depends only on the sample, its id and the
/// seed, not on batch size, order or threads. With Batch::targets the attack is targeted.
class Attack {
 public:
  virtual ~Attack() = default;
  virtual void fields(Fields&) {}
  /// Throws Error if the settings make no sense for images of this shape.
  virtual void check(const DataShape& /*shape*/) const {}
  virtual AttackResult run(const AttackCall& call) const = 0;
  /// One line with every parameter, eps to six digits, for reports.
  virtual std::string describe() const = 0;
};

}  // namespace temper
