#pragma once
#include <filesystem>

#include "trainers/state/state.h"

namespace temper {

struct StepNumbers {
  double loss, lr, grad_norm;
  int64_t attacked = 0, zero_gradient = 0;  ///< images attacked; those whose gradient was zero in some attack step
  double skipped_at = 0;  ///< the loss scale with which a gradient overflowed, so that the step was skipped; else 0
  Metrics logged = {};    ///< by the method
};

/// One whole training step: batch, gradients by the run's method, optimiser, averages. With a dynamic loss scale
/// (trainers/optimizers/loss_scaler.h) a step whose gradient is not finite is skipped: weights, averages and the method
/// stay as they are. Otherwise a gradient that is not finite is an Error, as is a loss, before any weight moves; so is
/// a weight that is not finite after the step. The message points to `checkpoint` if there is such a file.
StepNumbers train_step(TrainingState& state, const std::filesystem::path& checkpoint);

/// All metrics of the method for the line of the step just made.
Metrics metrics_of(const TrainingState& state, const StepNumbers& step);

/// A planning pass: collects the convolutions of the next step, for every batch size, without running anything; the
/// state of the run does not change (core/plans/plan_ahead.h). Returns false if that is not possible, because the host
/// code depends on results of the device or on the number of the step.
bool note_step(TrainingState& state);

/// The learning rate of a step of the epoch in progress.
double rate_at(const TrainingState& state, int64_t step);

}  // namespace temper
