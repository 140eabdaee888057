#pragma once
#include <filesystem>

#include "trainers/state/state.h"

namespace temper {

struct StepNumbers {
  double loss, lr, grad_norm;
  int64_t attacked = 0, zero_gradient = 0;  ///< images attacked, and those without a gradient in a step of it
  double skipped_at = 0;  ///< not 0: the step was left out, because with this loss scale a gradient was not finite
  Metrics logged = {};    ///< by the method
};

/// The next step of a run, whole: batch, gradients by the run's method, optimiser, averages. Where the loss scale is
/// chosen on the way (trainers/optimizers/loss_scaler.h), a gradient that is not finite leaves weights, averages and
/// method as they are. Elsewhere, and for a loss, it throws Error, before any weight moves, as it does if a weight is
/// not finite after it; the message points to `checkpoint` if there is such a file.
StepNumbers train_step(TrainingState& state, const std::filesystem::path& checkpoint);

/// All of the method's numbers that belong in the line of the step just made.
Metrics metrics_of(const TrainingState& state, const StepNumbers& step);

/// Notes the convolutions of the next step, for every size of batch, without doing anything: weights, statistics and
/// whatever else the run keeps stay as they are (core/plans/plan_ahead.h). False where the host decides by what the
/// device computes, or by the number of the step.
bool note_step(TrainingState& state);

/// The learning rate of a step of the epoch in progress.
double rate_at(const TrainingState& state, int64_t step);

}  // namespace temper
