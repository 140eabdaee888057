#pragma once
#include <string>

#include "core/files/file.h"
#include "trainers/loop/observer.h"
#include "trainers/loop/step_log.h"
#include "trainers/records/run_folder.h"

namespace temper {

/// Writes metrics.jsonl (metric_lines.h) and metrics.csv (epoch_table.h) while a run goes on. Every line is written out
/// at once; one that cannot be written is a FileError.
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
