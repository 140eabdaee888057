#pragma once
#include <string>
#include <utility>
#include <vector>

#include "trainers/records/run_folder.h"

namespace temper {

/// The numbers that a method logged at one step.
struct MetricRecord {
  int64_t epoch = 0;
  int64_t step = 0;  ///< of the whole run, from 1
  std::vector<std::pair<std::string, double>> values;
  /// NaN if it was not logged.
  double value(const std::string& name) const;
};

/// The step lines of a run's metrics.jsonl that have numbers of its method whose names begin with `prefix`, in order.
std::vector<MetricRecord> read_step_metrics(const RunFolder& folder, const std::string& prefix);

}  // namespace temper
