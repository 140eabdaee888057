#pragma once
// config.yaml of a run folder: the experiment's configuration with every key resolved. Training with it repeats the
// run.
#include <string>

#include "trainers/experiment.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// The content of the file, which checkpoints hold, too.
std::string config_text(const Experiment& experiment);
/// The experiment of such a text. Keys that are newer than the text have their defaults. `where` begins error messages.
Experiment experiment_of(const std::string& text, const std::string& where);

/// Whether the run in the folder has exactly this configuration, apart from keys that are newer than the run. False if
/// there is no file.
bool has_config(const RunFolder& folder, const Experiment& experiment);

/// Throws Error, listing every difference, unless both have the same configuration, apart from keys that a resumed run
/// may change (config_diff.h). `where` is the place of `before`.
void check_same_config(const Experiment& before, const Experiment& now, const std::string& where);
/// The same for the run in a folder. Reads only its config.yaml.
void check_same_run(const RunFolder& folder, const Experiment& experiment);

}  // namespace temper
