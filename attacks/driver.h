#pragma once
#include <limits>
#include <memory>

#include "attacks/attack.h"

namespace temper {

/// Where a run is, and what the network says there.
struct AttackPoint {
  int run = 0, step = 0;  ///< counted from 0
  Tensor images;          ///< what a policy moves, in place
  Tensor gradient;        ///< of the objective by the images; a policy may write over it
  Tensor loss;            ///< (N) the objective's values
  Tensor success;  ///< (N) 1 where misclassified (or taken for the target); none: AttackDrive asks for no success
  Tensor active;   ///< (N) i32: 0 where a row is to stay as it is; none: all move
};

/// How an attack moves. One is made for each part of a batch, and lives as long as the attack of that part; what it
/// keeps lies in the part's arena. It launches the same kernels at every call with equal run and step: no looks at
/// device values, so that steps with attacks in them can be recorded.
class StepPolicy {
 public:
  virtual ~StepPolicy() = default;
  /// x = where run number `run` begins.
  virtual void start(const Tensor& x, int run) = 0;
  /// Moves at.images by what is known of them.
  virtual void step(const AttackPoint& at) = 0;
};
/// Makes the policy for `part`; of(t) takes that part's rows of a tensor that has one for each sample of the batch.
using MakePolicy = std::function<std::unique_ptr<StepPolicy>(const AttackCall& part, const BatchRows& of)>;

/// Which points of a run are offered to the selection, and which one of them is kept for each sample. Ties: the later.
enum class Offered : uint8_t { last, every };
enum class Kept : uint8_t { best_loss, any_success };

/// What a driver does with a policy.
struct AttackDrive {
  const char* name = "attack";  ///< in messages
  int runs = 1, steps = 1;      ///< runs from a start, and steps of each
  /// Offered::last of one run needs no selection: the last point is the result, and nothing runs on it.
  Offered offered = Offered::last;
  Kept kept = Kept::best_loss;
  /// Early stop: a row stays where it is once the network was wrong about it more than `patience` times; none: never.
  std::optional<int> patience = {};
  Tensor row_steps = {};  ///< (N) i32 of the whole batch: the most steps a row makes in a run; none: `steps`

  bool selects() const { return offered == Offered::every || runs > 1; }
};

/// The loop of every iterative attack. For each run: start, then `steps` times a forward and a backward pass, on a tape
/// of its own, and the policy's step; selection, early stop and counters on the device; a watch for gradients that are
/// zero or not finite. A batch is attacked in slices where the classifier says so (attacks/slices.h). With
/// Wanted::success and Kept::any_success, samples that have been fooled are left out of further runs.
/// Costs a forward and a backward pass for each step, and a forward pass more for each run where a selection is made.
/// Throws Error if the batch's tensors do not fit each other, or the objective is not one value per sample.
AttackResult drive(const AttackCall& call, const Objective& objective, const AttackDrive& how, const MakePolicy& make);

}  // namespace temper
