#pragma once
#include <functional>

#include "evaluation/robust_accuracy.h"
#include "trainers/state/state.h"

namespace temper {

/// Clean and robust validation accuracy of `weights` (null: the network's own). Throws Interrupted after a signal; the
/// epoch then stays open and is validated after a resume.
ValidationReport validate(TrainingState& state, Weights* weights, Observer& observer);

/// What is measured: weights (null: the network's own) under an attack (null: none).
struct Measured {
  Weights* weights = nullptr;
  const Attack* attack = nullptr;
};
/// Its accuracy on `images`, with the BatchNorm branch of the run's method.
Accuracy measure(TrainingState& state, Loader& images, const Measured& what,
                 const std::function<void(int64_t done, int64_t total)>& progress = {});

/// A planning pass: collects the convolutions of validate() and probes without running anything
/// (core/plans/plan_ahead.h).
void note_validation(TrainingState& state);

/// Validation accuracy of averaged weights (EMA or SWA), after refresh_bn().
ValidationReport validate_average(TrainingState& state, Average& average, AverageBn bn, Observer& observer);
/// Updates the BatchNorm statistics of averaged weights as `bn` says.
void refresh_bn(TrainingState& state, Average& average, AverageBn bn);

}  // namespace temper
