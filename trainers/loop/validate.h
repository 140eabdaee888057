#pragma once
#include <optional>

#include "trainers/state/state.h"

namespace temper {

/// Clean and robust validation accuracy of these weights (null: the network's own). Throws Interrupted by a signal; the
/// epoch stays open and is validated after the resume.
ValidationReport validate(TrainingState& state, Weights* weights, Observer& observer);

/// Notes the convolutions of validate() without doing anything (core/plans/plan_ahead.h).
void note_validation(TrainingState& state);

/// The EMA's or SWA's accuracy, its BatchNorm statistics first brought up to date as its section says.
ValidationReport validate_average(TrainingState& state, Average& average, AverageBn bn, Observer& observer);
/// Without measuring: the statistics that the average would be used with.
void refresh_bn(TrainingState& state, Average& average, AverageBn bn);

/// What is wrong, if robust accuracy has fallen below the guard's share of the best so far. Accuracy under one full
/// step of the attack (FGSM) tells catastrophic overfitting, where the network resists just that step, from plain
/// divergence.
std::optional<std::string> collapse_warning(TrainingState& state, const ValidationReport& now, Observer& observer);

}  // namespace temper
