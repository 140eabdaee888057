#pragma once
// A whole run: training, the test of the trained network, the report.
#include <optional>
#include <string>

#include "trainers/loop/loop.h"
#include "workflows/run_test.h"

namespace TEMPER_API temper {

/// What a folder holds of an experiment's run.
enum class RunState : uint8_t { absent, started, complete };
/// Complete: a run that was trained and tested under exactly this configuration (keys that are newer than the run have
/// their defaults). Started: any other run.
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
/// does. docs/command_line.md lists the files of the folder. With Resume::yes a complete run is compared with the
/// present data and otherwise left alone. SIGINT, SIGTERM and SIGHUP end a run in good order. Throws Error as
/// run_training() and test_run() do. The observer is told of progress.
RunResult run_experiment(Experiment& experiment, const RunFolder& folder, Observer& observer,
                         const RunOptions& options = {});

/// Writes the report of a complete run if it is missing, and removes the lock of a process that was killed. Throws
/// Error if a process still works in the folder.
void complete_report(const RunFolder& folder);

}  // namespace temper
