#pragma once
#include <map>
#include <string>

#include "data/published/fingerprint.h"
#include "trainers/experiment.h"
#include "trainers/records/run_folder.h"

namespace temper {

/// Holds what runs have on record of their images, starting weights and checkpoint against what is there now. Each data
/// set is read once.
class DataPrints {
 public:
  /// Throws Error, listing what differs, if the folder's run was made with others.
  void check(const Experiment& experiment, const RunFolder& folder);

 private:
  struct Prints {
    SetFingerprint train, test;
  };
  const Prints& of(const Experiment& experiment);
  std::map<std::string, Prints> known_;
};

}  // namespace temper
