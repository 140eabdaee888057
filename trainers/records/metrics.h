#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/files/file.h"
#include "trainers/loop/observer.h"
#include "trainers/records/run_folder.h"
#include "trainers/trainer.h"

namespace temper {

/// metrics.jsonl, one object a line, and metrics.csv, one line an epoch:
///   {"event":"step","epoch":1,"step":20,"total_step":20,"loss":2.1,"lr":0.1,"grad_norm":3.2,"images_per_second":812}
///   {"event":"epoch","epoch":1,"train_loss":1.9,"lr":0.1,"clean":61.2,"robust":40.1,...,"seconds":12.1,"best":true}
///   {"event":"warning","epoch":7,"text":"..."}
///   {"event":"plans","epoch":1,"made":93,"seconds":2.7,"trial_seconds":0.4}
///     what was chosen ahead on a GPU; the epoch's seconds hold these, and these the trials of plans
/// A method's own numbers stand in "method":{"name":value,...} of step and epoch lines.
/// Accuracies are percent of the validation images. Every line is written out at once; one that cannot be written is a
/// FileError.
class MetricsLog {
 public:
  /// Starts both files, or, when `epoch` and `step` say how far a resumed run got, keeps the lines up to there.
  MetricsLog(const RunFolder& folder, int64_t epoch, int64_t step);
  /// Not empty if the folder lacks records of epochs that the run has trained.
  const std::string& lost() const { return lost_; }

  void step(const StepReport& r, double grad_norm, const Metrics& of_method);
  void epoch(const EpochReport& r, const Metrics& of_method);
  void warning(int64_t epoch, const std::string& text);
  void plans(int64_t epoch, const PlansMade& made);
  /// Training seconds of the epochs on record.
  double train_seconds() const { return train_seconds_; }
  /// Returns when all of it is on the disk.
  void sync();

 private:
  struct History;
  MetricsLog(const RunFolder& folder, const History& history);
  static History history_of(const RunFolder& folder, int64_t epoch, int64_t step);

  Journal jsonl_, csv_;
  double train_seconds_;
  std::string lost_;
};

}  // namespace temper
