#pragma once
#include "trainers/records/run_folder.h"
#include "trainers/state/state.h"

namespace temper {

/// Brings the state to where the folder says its run was. Returns warnings. Throws Error, with the folder as it was, if
/// the configuration, the images or the file of starting weights are others, or if another number of epochs would
/// contradict what is trained already: fewer than were begun, or other learning rates for the steps made.
std::vector<std::string> resume_from(const RunFolder& folder, TrainingState& state);

}  // namespace temper
