#pragma once
// config.yaml of a run folder: the experiment's configuration with every key resolved. Training it repeats the run.
#include <string>

#include "trainers/experiment.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// The content of the file; checkpoints hold it too.
std::string config_text(const Experiment& experiment);
/// The experiment of such a text. Keys that are newer than it stand for their defaults. `where` begins error messages.
Experiment experiment_of(const std::string& text, const std::string& where);

/// Whether the folder's run has exactly this configuration, but for keys that are newer than it. False where there is
/// no file.
bool has_config(const RunFolder& folder, const Experiment& experiment);

/// Throws Error, listing every difference, unless both have one configuration, but for what a resumed run may change
/// (config_diff.h). `where` says where `before` was found.
void check_same_config(const Experiment& before, const Experiment& now, const std::string& where);
/// The same of a run's folder, by its file alone.
void check_same_run(const RunFolder& folder, const Experiment& experiment);

}  // namespace temper
