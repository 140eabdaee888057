#pragma once
#include <map>
#include <optional>

#include "apps/evaluate_run.h"
#include "apps/progress.h"

namespace temper {

/// Whether the folder holds exactly this run, trained and tested. Keys that are newer than its config.yaml stand for
/// their defaults.
bool is_complete(const Experiment& experiment, const RunFolder& folder);

/// Holds what runs have on record of their images and starting weights against what their configurations name now. Each
/// data set is read once.
class DataPrints {
 public:
  /// Throws Error, listing what differs, if the folder's run was trained or tested on others.
  void check(const Experiment& experiment, const RunFolder& folder);

 private:
  struct Prints {
    SetFingerprint train, test;
  };
  const Prints& of(const Experiment& experiment);
  std::map<std::string, Prints> known_;
};

/// Trains an experiment, measures its last weights on the test images and writes the run's report. `program` is how the
/// report calls the temper command. Returns nothing if a signal ended it; it can be resumed.
std::optional<Results> train_run(Experiment& experiment, const RunFolder& folder, Resume resume,
                                 ConsoleObserver& observer, const std::string& program);

}  // namespace temper
