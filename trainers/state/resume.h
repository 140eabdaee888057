#pragma once
#include "trainers/records/run_folder.h"
#include "trainers/state/state.h"

namespace temper {

/// Throws Error, listing every difference, unless the folder's run was begun with this configuration, but for what a
/// resumed run may change (trainers/records/config_diff.h). Reads the folder's config.yaml alone.
void check_same_run(const RunFolder& folder, const Experiment& experiment);

/// Brings the state to where the folder says its run was. Returns warnings. Throws Error, with the folder as it was, if
/// the configuration, the images or the file of starting weights are others, or if another number of epochs would
/// contradict what is trained already: fewer than were begun, or other learning rates for the steps made.
std::vector<std::string> resume_from(const RunFolder& folder, TrainingState& state);

/// The resolved configuration of a run (YAML) with the keys that came later than it: those stand for their defaults.
std::string with_every_key(const std::string& text, const std::string& where);

}  // namespace temper
