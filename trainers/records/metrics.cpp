#include "trainers/records/metrics.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/plans/plan_ahead.h"
#include "trainers/records/metric_lines.h"

namespace temper {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCsvHead =
    "epoch,train_loss,lr,clean,robust,ema_clean,ema_robust,swa_clean,swa_robust,seconds,images_per_second,best";

// Whether a line describes something at or before this point of the run.
bool reached(const MetricLine& line, int64_t epoch, int64_t step) {
  if (line.epoch != epoch) return line.epoch < epoch;
  return line.event == "step" && line.step <= step;
}

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

}  // namespace

struct MetricsLog::History {
  std::vector<std::string> jsonl, csv;
  double train_seconds = 0;
  std::string lost;
};

MetricsLog::History MetricsLog::history_of(const RunFolder& folder, int64_t epoch, int64_t step) {
  History h;
  std::set<int64_t> closed;
  for (const MetricLine& line : read_metric_lines(folder.metrics().string())) {
    if (!reached(line, epoch, step)) continue;
    h.jsonl.push_back(line.text);
    if (line.event != "epoch") continue;
    closed.insert(line.epoch);
    if (line.json.contains("seconds") && line.json["seconds"].is_number())
      h.train_seconds += line.json["seconds"].get<double>();
  }
  for (const std::string& line : read_lines(folder.epochs_csv().string()))
    if (std::atoll(line.c_str()) > 0 && std::atoll(line.c_str()) < epoch) h.csv.push_back(line);
  h.csv.insert(h.csv.begin(), kCsvHead);
  if (const auto kept = static_cast<int64_t>(closed.size()); kept < epoch - 1)
    h.lost = cat(folder.metrics().string(), ": holds records of ", kept, " of the ", epoch - 1,
                 " epochs that this run has trained; those of the others are lost");
  return h;
}

MetricsLog::MetricsLog(const RunFolder& folder, int64_t epoch, int64_t step)
    : MetricsLog(folder, history_of(folder, epoch, step)) {}

MetricsLog::MetricsLog(const RunFolder& folder, const History& history)
    : jsonl_(folder.metrics().string(), history.jsonl),
      csv_(folder.epochs_csv().string(), history.csv),
      train_seconds_(history.train_seconds),
      lost_(history.lost) {}

void MetricsLog::sync() {
  jsonl_.sync();
  csv_.sync();
}

void MetricsLog::step(const StepReport& r, double grad_norm, const Metrics& of_method) {
  Json j{{"event", "step"},        {"epoch", r.epoch},
         {"step", r.step},         {"total_step", (r.epoch - 1) * r.steps_per_epoch + r.step},
         {"loss", r.loss},         {"lr", r.lr},
         {"grad_norm", grad_norm}, {"images_per_second", r.images_per_second}};
  put(j, of_method);
  jsonl_.add(text_of(j));
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
  jsonl_.add(text_of(j));
  const auto accuracies = [](const std::optional<ValidationReport>& v) {
    return v ? cat(v->clean, ',', v->robust, ',') : std::string(",,");
  };
  csv_.add(cat(r.epoch, ',', r.train_loss, ',', r.lr, ',', accuracies(r.validation), accuracies(r.ema),
               accuracies(r.swa), r.seconds, ',', r.images_per_second, ',', r.best ? 1 : 0));
  train_seconds_ += r.seconds;
}

void MetricsLog::warning(int64_t epoch, const std::string& text) {
  jsonl_.add(text_of({{"event", "warning"}, {"epoch", epoch}, {"text", text}}));
}

void MetricsLog::plans(int64_t epoch, const PlansMade& made) {
  jsonl_.add(text_of({{"event", "plans"},
                      {"epoch", epoch},
                      {"made", made.count},
                      {"seconds", made.seconds},
                      {"trial_seconds", made.trial_seconds}}));
}

}  // namespace temper
