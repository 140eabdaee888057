#pragma once
#include <limits>
#include <memory>

#include "attacks/attack.h"

namespace TEMPER_API temper {

/// The current point of a run, with loss and gradient there.
struct AttackPoint {
  int run = 0, step = 0;  ///< counted from 0
  Tensor images;          ///< the policy updates them in place
  Tensor gradient;        ///< of the objective with respect to the images; a policy may overwrite it
  Tensor loss;            ///< (N) the objective's values
  Tensor success;  ///< (N) 1 if misclassified (targeted: classified as the target); empty: AttackDrive does not need it
  Tensor active;   ///< (N) i32: 0 if the row must not change; empty: all rows move
};

/// The update rule of an attack. One policy is made for each part of a batch and lives as long as the attack on that
/// part; its state is in the part's arena. Calls with the same run and step must launch the same kernels and must not
/// read device values, so that training steps with attacks can be captured.
class StepPolicy {
 public:
  virtual ~StepPolicy() = default;
  /// x = the starting point of run number `run`.
  virtual void start(const Tensor& x, int run) = 0;
  /// Updates at.images.
  virtual void step(const AttackPoint& at) = 0;
};
/// Makes the policy for `part`; of(t) gives the part's rows of a tensor with one row per sample of the whole batch.
using MakePolicy = std::function<std::unique_ptr<StepPolicy>(const AttackCall& part, const BatchRows& of)>;

/// Which points of a run are candidates (Offered), and which candidate is kept for each sample (Kept). Ties: the later.
enum class Offered : uint8_t { last, every };
enum class Kept : uint8_t { best_loss, any_success };

/// How the driver runs a policy.
struct AttackDrive {
  const char* name = "attack";  ///< in messages
  int runs = 1, steps = 1;      ///< runs from a start, and steps of each
  /// Offered::last with one run needs no selection: the last point is the result, without another forward pass.
  Offered offered = Offered::last;
  Kept kept = Kept::best_loss;
  /// Early stop: a row stops once it was misclassified more than `patience` times; empty: never.
  std::optional<int> patience = {};
  Tensor row_steps = {};  ///< (N) i32 of the whole batch: the maximal number of steps of each row; empty: `steps`

  bool selects() const { return offered == Offered::every || runs > 1; }
};

/// The loop of every iterative attack. For each run: start, then `steps` times a forward and a backward pass and the
/// policy's step. Selection, early stop and counters run on the device, and so does the check for gradients that are
/// zero or not finite. A batch is attacked in slices of the size that the classifier gives (attacks/slices.h). With
/// Wanted::success and Kept::any_success, samples that have been fooled are left out of further runs.
/// Costs a forward and a backward pass per step, and one more forward pass per run if there is a selection. Throws
/// Error if the shapes of the batch do not agree, or if the objective is not one value per sample.
AttackResult drive(const AttackCall& call, const Objective& objective, const AttackDrive& how, const MakePolicy& make);

}  // namespace temper
