#pragma once
#include "trainers/loop/loop.h"
#include "trainers/loop/signals.h"
#include "trainers/state/state.h"

namespace temper {

/// A run before its first step: the folder checked and taken for as long as this lives, the images read. Signals end
/// what is done with it in good order. Throws Error as run_training() does.
struct ReadyRun {
  enum class Test : uint8_t { none, follows };  ///< with one that follows, the test images are checked too

  ReadyRun(Experiment& experiment, const RunFolder& folder, Resume resume, Test test = Test::none);

  SignalGuard signals;
  Experiment& experiment;
  Resume resume;
  DataSplits data;  ///< run_training() takes them
  RunLock lock;
};

}  // namespace temper
