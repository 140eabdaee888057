#pragma once
#include "trainers/records/run_folder.h"
#include "trainers/state/state.h"

namespace temper {

/// Throws Error, listing every difference, unless the run in the folder has this configuration. Keys that a resumed run
/// may change are left out (trainers/records/config_diff.h). Reads only the folder's config.yaml.
void check_same_run(const RunFolder& folder, const Experiment& experiment);

/// Restores the state from the folder's checkpoint. Returns warnings. Throws Error, without changing the folder, if the
/// configuration, the images or the file of starting weights differ, or if the number of epochs contradicts the
/// training so far: fewer epochs than were started, or other learning rates for the steps already made.
std::vector<std::string> resume_from(const RunFolder& folder, TrainingState& state);

/// The resolved configuration of a run (YAML) with the keys added that are newer than the run, at their defaults.
std::string with_every_key(const std::string& text, const std::string& where);

}  // namespace temper
