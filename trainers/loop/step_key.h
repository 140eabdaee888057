#pragma once
#include "trainers/state/state.h"

namespace temper {

/// The key of the next step's CUDA graph (docs/decisions/0010-the-key-of-a-recorded-step.md): everything on the host
/// that its launches may depend on. These are the batch size, the numbers that the method keeps from step to step
/// (except those visited as unrecorded), the epoch if the method has ever read it, whether weights are perturbed, and
/// the names of the live values.
GraphKey step_key(TrainingState& state, int64_t batch_size);

/// Every number that the method keeps, by name.
Metrics kept_numbers(const TrainingState& state);
/// Throws Error, naming the number, if one of them has changed. Captured work must not change them, because a replay
/// does not run the host code that would.
void check_kept(const TrainingState& state, const Metrics& before);

}  // namespace temper
