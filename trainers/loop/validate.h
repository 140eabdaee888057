#pragma once
#include <optional>

#include "trainers/state/state.h"

namespace temper {

/// Clean and robust validation accuracy of `weights` (null: the network's own). Throws Interrupted after a signal; the
/// epoch then stays open and is validated after a resume.
ValidationReport validate(TrainingState& state, Weights* weights, Observer& observer);

/// A planning pass: collects the convolutions of validate() without running anything (core/plans/plan_ahead.h).
void note_validation(TrainingState& state);

/// Validation accuracy of averaged weights (EMA or SWA), after refresh_bn().
ValidationReport validate_average(TrainingState& state, Average& average, AverageBn bn, Observer& observer);
/// Updates the BatchNorm statistics of averaged weights as `bn` says.
void refresh_bn(TrainingState& state, Average& average, AverageBn bn);

/// A warning if robust accuracy has fallen below `loop.collapse` times the best so far. It uses accuracy under one full
/// attack step (FGSM) to tell catastrophic overfitting, where the network resists only that step, from divergence.
std::optional<std::string> collapse_warning(TrainingState& state, const ValidationReport& now, Observer& observer);

}  // namespace temper
