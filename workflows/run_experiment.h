#pragma once
#include <optional>

#include "apps/progress.h"
#include "trainers/loop/loop.h"
#include "trainers/loop/signals.h"
#include "trainers/records/run_lock.h"
#include "trainers/state/state.h"
#include "workflows/run_test.h"

namespace temper {

/// Whether the folder holds exactly this run, trained and tested; keys that its version did not have stand for their
/// defaults.
bool is_complete(const Experiment& experiment, const RunFolder& folder);

/// Writes the report of a complete run if it is missing, and takes away the lock of a process that was killed at its
/// end. Throws Error if a process still works in the folder.
void complete_report(const RunFolder& folder);

/// What a run needs before its first step, checked and taken: the images, and the folder for as long as this lives.
/// Signals end training and tests within it in good order.
struct ReadyRun {
  ReadyRun(Experiment& experiment, const RunFolder& folder, Resume resume);
  SignalGuard signals;
  DataSplits data;
  RunLock lock;
};

/// Measures the last weights of a trained experiment on the test images and writes the run's report. `program` is how
/// the report calls the temper command. Returns nothing if a signal ended the training or this; the run can be resumed.
std::optional<Results> test_trained(Experiment& experiment, const RunLock& lock, const TrainResult& trained,
                                    ConsoleObserver& observer, const std::string& program);

}  // namespace temper
