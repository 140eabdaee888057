#pragma once
#include "trainers/state/state.h"

namespace temper {

/// What the next step's launches may depend on beside what they read on the device
/// (docs/decisions/0010-the-key-of-a-recorded-step.md): the numbers that the method keeps from step to step, but for
/// those that it visits as unrecorded, the epoch if the method has ever looked at it, and the names of its live values.
GraphKey step_key(TrainingState& state, int64_t batch_size);

/// Every number that the method keeps, by name.
Metrics kept_numbers(const TrainingState& state);
/// Throws Error, naming it, if one of them is not what it was: recorded work may not change them, because the host has
/// no part in a repetition.
void check_kept(const TrainingState& state, const Metrics& before);

}  // namespace temper
