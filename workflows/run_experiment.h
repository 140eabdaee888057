#pragma once
// A whole run: training, the test of the trained network, the report.
#include <optional>
#include <string>

#include "trainers/loop/loop.h"
#include "workflows/run_test.h"

namespace TEMPER_API temper {

/// What a folder holds of an experiment's run.
enum class RunState : uint8_t { absent, started, complete };
/// Complete: trained and tested under exactly this configuration; keys that its version did not have stand for their
/// defaults. Started: any other run.
RunState run_state(const Experiment& experiment, const RunFolder& folder);

struct RunOptions {
  Resume resume = Resume::no;      ///< yes: continue the run in the folder where it stopped
  std::string program = "temper";  ///< how the report calls the temper command
};

struct RunResult {
  std::optional<TrainResult> training;  ///< none: the run was complete already
  std::optional<TestResult> test;       ///< none: a signal ended training or test; Resume::yes continues the run
};

/// Trains an experiment, measures its last weights on the test images, once, and writes the report, as `temper train`
/// does: the folder holds the run (docs/command_line.md). A run that is complete and to be resumed is held against its
/// data and otherwise left as it is. SIGINT, SIGTERM and SIGHUP end it in good order. Throws Error for all that
/// run_training() and test_run() throw it for; progress goes to the observer.
RunResult run_experiment(Experiment& experiment, const RunFolder& folder, Observer& observer,
                         const RunOptions& options = {});

/// Writes the report of a complete run if it is missing, and takes away the lock of a process that was killed at its
/// end. Throws Error if a process still works in the folder.
void complete_report(const RunFolder& folder);

}  // namespace temper
