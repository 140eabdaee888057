#include "trainers/records/metric_lines.h"

#include "core/files/file.h"

namespace temper {

namespace {

constexpr int64_t kMostSteps = int64_t{1} << 53;

int64_t count(const nlohmann::ordered_json& j, const char* key, const std::string& place) {
  if (!j.contains(key)) return 0;
  const auto& v = j[key];
  const bool whole = v.is_number_unsigned() && v.get<uint64_t>() <= kMostSteps;
  TEMPER_CHECK(whole, place, ": '", key, "' should be a whole number that counts, got ", v.dump());
  return v.get<int64_t>();
}

}  // namespace

std::vector<MetricLine> read_metric_lines(const std::string& file) {
  std::vector<MetricLine> lines;
  int64_t number = 0;
  for (std::string& text : read_lines(file)) {
    const std::string place = cat(file, " line ", ++number);
    auto j = nlohmann::ordered_json::parse(text, nullptr, false);
    if (j.is_discarded()) continue;
    TEMPER_CHECK(j.is_object() && (!j.contains("event") || j["event"].is_string()), place,
                 ": expected an object with an 'event'");
    MetricLine line{.text = std::move(text),
                    .event = j.value("event", ""),
                    .json = {},
                    .epoch = count(j, "epoch", place),
                    .step = count(j, "step", place),
                    .total_step = count(j, "total_step", place)};
    line.json = std::move(j);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace temper
