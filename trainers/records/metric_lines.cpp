#include "trainers/records/metric_lines.h"

#include "core/files/json.h"

#include "core/files/file.h"
#include "core/plans/plan_ahead.h"

namespace temper {

namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostSteps = int64_t{1} << 53;

// On one line; text that is no UTF-8 does not end a run.
std::string text_of(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

void put(Json& j, const Metrics& of_method) {
  for (const auto& [name, value] : of_method) j["method"][name] = value;
}

void put(Json& j, const std::string& prefix, const std::optional<ValidationReport>& v) {
  if (!v) return;
  j[prefix + "clean"] = v->clean;
  j[prefix + "robust"] = v->robust;
}

int64_t count(const Json& j, const char* key, const std::string& place) {
  if (!j.contains(key)) return 0;
  const auto& v = j[key];
  const bool whole = v.is_number_unsigned() && v.get<uint64_t>() <= kMostSteps;
  TEMPER_CHECK(whole, place, ": '", key, "' should be a count, got ", v.dump());
  return v.get<int64_t>();
}

double number(const Json& j, const char* key) {
  return j.contains(key) && j[key].is_number() ? j[key].get<double>() : 0;
}

Metrics of_method(const Json& j) {
  Metrics out;
  if (!j.contains("method") || !j["method"].is_object()) return out;
  for (const auto& [name, v] : j["method"].items())
    if (v.is_number()) out.emplace_back(name, v.get<double>());
  return out;
}

}  // namespace

std::string step_line(const StepReport& r, double grad_norm, const Metrics& of_method) {
  Json j{{"event", "step"},        {"epoch", r.epoch},
         {"step", r.step},         {"total_step", (r.epoch - 1) * r.steps_per_epoch + r.step},
         {"loss", r.loss},         {"lr", r.lr},
         {"grad_norm", grad_norm}, {"images_per_second", r.images_per_second}};
  put(j, of_method);
  return text_of(j);
}

std::string probe_line(const ProbeReport& r) {
  return text_of(Json{
      {"event", "probe"}, {"epoch", r.epoch}, {"step", r.step}, {"total_step", r.total_step}, {"robust", r.robust}});
}

std::string epoch_line(const EpochReport& r, const Metrics& of_method) {
  Json j{{"event", "epoch"}, {"epoch", r.epoch}, {"train_loss", r.train_loss}, {"lr", r.lr}};
  put(j, "", r.validation);
  put(j, "ema_", r.ema);
  put(j, "swa_", r.swa);
  j["seconds"] = r.seconds;
  j["validation_seconds"] = r.validation_seconds;
  j["images_per_second"] = r.images_per_second;
  j["best"] = r.best;
  put(j, of_method);
  return text_of(j);
}

std::string warning_line(int64_t epoch, const std::string& text) {
  return text_of({{"event", "warning"}, {"epoch", epoch}, {"text", text}});
}

std::string plans_line(int64_t epoch, const PlansMade& made) {
  return text_of({{"event", "plans"},
                  {"epoch", epoch},
                  {"made", made.count},
                  {"seconds", made.seconds},
                  {"trial_seconds", made.trial_seconds}});
}

std::vector<MetricLine> read_metric_lines(const std::string& file) {
  std::vector<MetricLine> lines;
  int64_t line = 0;
  for (std::string& text : read_lines(file)) {
    const std::string place = cat(file, " line ", ++line);
    const auto j = try_json<Json>(text);
    if (j.is_discarded()) continue;
    TEMPER_CHECK(j.is_object() && (!j.contains("event") || j["event"].is_string()), place,
                 ": expected an object with an 'event'");
    lines.push_back({.text = std::move(text),
                     .event = j.value("event", ""),
                     .epoch = count(j, "epoch", place),
                     .step = count(j, "step", place),
                     .total_step = count(j, "total_step", place),
                     .seconds = number(j, "seconds"),
                     .of_method = of_method(j)});
  }
  return lines;
}

}  // namespace temper
