#pragma once
#include <map>
#include <string>

#include "data/published/fingerprint.h"
#include "trainers/experiment.h"
#include "trainers/records/run_folder.h"

namespace temper {

/// Compares the recorded fingerprints of runs (images, starting weights, last checkpoint) with those of the present
/// data. Each data set is read once.
class FingerprintCheck {
 public:
  /// Throws Error, listing every difference, if the folder's run was made with other data.
  void check(const Experiment& experiment, const RunFolder& folder);

 private:
  struct Splits {
    SetFingerprint train, test;
  };
  const Splits& of(const Experiment& experiment);
  std::map<std::string, Splits> known_;  ///< by the section `data`
};

}  // namespace temper
