#include "trainers/metrics.h"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/plan_ahead.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCsvHead =
    "epoch,train_loss,lr,clean,robust,ema_clean,ema_robust,swa_clean,swa_robust,seconds,images_per_second,best";

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::ofstream open(const std::filesystem::path& file, const std::vector<std::string>& lines) {
  std::ofstream out(file, std::ios::trunc);
  TEMPER_CHECK(out, file.string(), ": cannot be written");
  for (const std::string& line : lines) out << line << '\n';
  out.flush();
  return out;
}

// Whether a line describes something at or before this point of the run.
bool reached(const Json& line, int64_t epoch, int64_t step) {
  const int64_t e = line.value("epoch", int64_t{0});
  if (e != epoch) return e < epoch;
  return line.value("event", "") == "step" && line.value("step", int64_t{0}) <= step;
}

void put(Json& j, const Metrics& of_method) {
  for (const auto& [name, value] : of_method) j["method"][name] = value;
}

void put(Json& j, const std::string& prefix, const std::optional<ValidationReport>& v) {
  if (!v) return;
  j[prefix + "clean"] = v->clean;
  j[prefix + "robust"] = v->robust;
}

}  // namespace

Metrics collect_metrics(const std::function<void(const MetricSink&)>& ask) {
  Metrics all;
  ask([&](const std::string& name, double value) { all.emplace_back(name, value); });
  return all;
}

MetricsLog::MetricsLog(const RunFolder& folder, int64_t epoch, int64_t step) {
  std::vector<std::string> json, csv;
  for (const std::string& line : lines_of(folder.metrics())) {
    const Json j = Json::parse(line, nullptr, false);
    if (j.is_discarded() || !reached(j, epoch, step)) continue;  // a line cut off by a crash is not JSON
    json.push_back(line);
    if (j.value("event", "") == "epoch") train_seconds_ += j.value("seconds", 0.0);
  }
  for (const std::string& line : lines_of(folder.epochs_csv()))
    if (std::atoll(line.c_str()) > 0 && std::atoll(line.c_str()) < epoch) csv.push_back(line);
  csv.insert(csv.begin(), kCsvHead);
  jsonl_ = open(folder.metrics(), json);
  csv_ = open(folder.epochs_csv(), csv);
}

void MetricsLog::step(const StepReport& r, double grad_norm, const Metrics& of_method) {
  Json j{{"event", "step"},        {"epoch", r.epoch},
         {"step", r.step},         {"total_step", (r.epoch - 1) * r.steps_per_epoch + r.step},
         {"loss", r.loss},         {"lr", r.lr},
         {"grad_norm", grad_norm}, {"images_per_second", r.images_per_second}};
  put(j, of_method);
  jsonl_ << j << std::endl;
}

void MetricsLog::epoch(const EpochReport& r, const Metrics& of_method) {
  Json j{{"event", "epoch"}, {"epoch", r.epoch}, {"train_loss", r.train_loss}, {"lr", r.lr}};
  put(j, "", r.validation);
  put(j, "ema_", r.ema);
  put(j, "swa_", r.swa);
  j["seconds"] = r.seconds;
  j["validation_seconds"] = r.validation_seconds;
  j["images_per_second"] = r.images_per_second;
  j["best"] = r.best;
  put(j, of_method);
  jsonl_ << j << std::endl;
  const auto accuracies = [&](const std::optional<ValidationReport>& v) {
    if (v)
      csv_ << v->clean << ',' << v->robust << ',';
    else
      csv_ << ",,";
  };
  csv_ << r.epoch << ',' << r.train_loss << ',' << r.lr << ',';
  accuracies(r.validation);
  accuracies(r.ema);
  accuracies(r.swa);
  csv_ << r.seconds << ',' << r.images_per_second << ',' << (r.best ? 1 : 0) << std::endl;
  train_seconds_ += r.seconds;
}

void MetricsLog::warning(int64_t epoch, const std::string& text) {
  jsonl_ << Json{{"event", "warning"}, {"epoch", epoch}, {"text", text}} << std::endl;
}

void MetricsLog::plans(int64_t epoch, const PlansMade& made) {
  jsonl_ << Json{{"event", "plans"},
                 {"epoch", epoch},
                 {"made", made.count},
                 {"seconds", made.seconds},
                 {"trial_seconds", made.trial_seconds}}
         << std::endl;
}

}  // namespace temper
