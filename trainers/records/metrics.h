#pragma once
#include <string>

#include "core/files/file.h"
#include "trainers/loop/observer.h"
#include "trainers/loop/step_log.h"
#include "trainers/records/run_folder.h"

namespace temper {

/// Writes metrics.jsonl (metric_lines.h) and metrics.csv (epoch_table.h) during a run. Every line is written at once.
/// Throws FileError if it cannot be written.
class MetricsLog {
 public:
  /// Starts both files, or, for a resumed run, keeps the lines up to `epoch` and `step`.
  MetricsLog(const RunFolder& folder, int64_t epoch, int64_t step);
  /// A warning if lines of trained epochs are missing; else empty.
  const std::string& lost() const { return lost_; }

  void step(const StepReport& r, double grad_norm, const Metrics& of_method);
  void epoch(const EpochReport& r, const Metrics& of_method);
  void probe(const ProbeReport& r);
  void warning(int64_t epoch, const std::string& text);
  void plans(int64_t epoch, const PlansMade& made);
  /// Training seconds of all logged epochs.
  double train_seconds() const { return train_seconds_; }
  /// Flushes both files to disk.
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
