#include "analysis/records.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/runtime/check.h"

namespace temper {

double MetricRecord::value(const std::string& name) const {
  for (const auto& [key, v] : values)
    if (key == name) return v;
  return NAN;
}

std::vector<MetricRecord> read_step_metrics(const RunFolder& folder, const std::string& prefix) {
  std::ifstream in(folder.metrics());
  TEMPER_CHECK(in, folder.metrics().string(), ": cannot be read; is this the folder of a run?");
  std::vector<MetricRecord> records;
  for (std::string line; std::getline(in, line);) {
    const auto j = nlohmann::ordered_json::parse(line, nullptr, false);
    if (j.is_discarded() || j.value("event", "") != "step") continue;
    MetricRecord r{.epoch = j.value("epoch", int64_t{0}), .step = j.value("total_step", int64_t{0}), .values = {}};
    const nlohmann::ordered_json of_method = j.value("method", nlohmann::ordered_json::object());
    for (const auto& [name, v] : of_method.items())
      if (name.rfind(prefix, 0) == 0 && v.is_number()) r.values.emplace_back(name, v.get<double>());
    if (!r.values.empty()) records.push_back(std::move(r));
  }
  return records;
}

}  // namespace temper
