#pragma once
#include "trainers/loop/loop.h"
#include "trainers/loop/signals.h"
#include "trainers/state/state.h"

namespace temper {

/// A run before its first step: its folder is checked and locked for the lifetime of this object, its images are read.
/// SIGINT, SIGTERM and SIGHUP end training and test in good order meanwhile. Throws Error as run_training() does.
struct ReadyRun {
  enum class Test : uint8_t { none, follows };  ///< `follows`: the test images are checked, too

  ReadyRun(Experiment& experiment, const RunFolder& folder, Resume resume, Test test = Test::none);

  SignalGuard signals;
  Experiment& experiment;
  Resume resume;
  DataSplits data;  ///< moved into the training by run_training()
  RunLock lock;
};

}  // namespace temper
