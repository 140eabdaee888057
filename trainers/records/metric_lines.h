#pragma once
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace temper {

/// One line of metrics.jsonl (trainers/records/metrics.h); a number that it lacks is 0.
struct MetricLine {
  std::string text, event;
  nlohmann::ordered_json json;
  int64_t epoch = 0, step = 0, total_step = 0;
};

/// The lines of a file of that kind, in order; none where there is no file. What is not JSON is left out: a crash may
/// cut a line off. Throws Error, with file and line, for JSON that is no such object.
std::vector<MetricLine> read_metric_lines(const std::string& file);

}  // namespace temper
