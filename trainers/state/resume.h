#pragma once
#include "trainers/records/run_folder.h"
#include "trainers/state/state.h"

namespace TEMPER_API temper {

/// Restores the state from the folder's checkpoint. Returns warnings. Throws Error, without changing the folder, if the
/// configuration, the images or the file of starting weights differ, or if the number of epochs contradicts the
/// training so far: fewer epochs than were started, or other learning rates for the steps already made.
std::vector<std::string> resume_from(const RunFolder& folder, TrainingState& state);

}  // namespace temper
