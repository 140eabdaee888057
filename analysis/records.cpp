#include "analysis/records.h"

#include <cmath>

#include "kernels/runtime/check.h"
#include "trainers/records/metric_lines.h"

namespace temper {

double MetricRecord::value(const std::string& name) const {
  for (const auto& [key, v] : values)
    if (key == name) return v;
  return NAN;
}

std::vector<MetricRecord> read_step_metrics(const RunFolder& folder, const std::string& prefix) {
  TEMPER_CHECK(std::filesystem::exists(folder.metrics()), folder.metrics().string(),
               ": not found; is this the folder of a run?");
  std::vector<MetricRecord> records;
  for (const MetricLine& line : read_metric_lines(folder.metrics().string())) {
    if (line.event != "step") continue;
    MetricRecord r{.epoch = line.epoch, .step = line.total_step, .values = {}};
    for (const auto& [name, v] : line.of_method)
      if (name.starts_with(prefix)) r.values.emplace_back(name, v);
    if (!r.values.empty()) records.push_back(std::move(r));
  }
  return records;
}

}  // namespace temper
