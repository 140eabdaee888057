#pragma once
#include <optional>

#include "apps/evaluate_run.h"
#include "apps/progress.h"

namespace temper {

/// Whether the folder holds exactly this run, trained and tested; keys that its version did not have stand for their
/// defaults.
bool is_complete(const Experiment& experiment, const RunFolder& folder);

/// Writes the report of a complete run if it is missing.
void complete_report(const RunFolder& folder);

/// Trains an experiment, measures its last weights on the test images and writes the run's report. `program` is how the
/// report calls the temper command. Returns nothing if a signal ended it; it can be resumed.
std::optional<Results> train_run(Experiment& experiment, const RunFolder& folder, Resume resume,
                                 ConsoleObserver& observer, const std::string& program);

}  // namespace temper
