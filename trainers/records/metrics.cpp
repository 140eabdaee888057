#include "trainers/records/metrics.h"

#include <set>
#include <vector>

#include "trainers/records/epoch_table.h"
#include "trainers/records/metric_lines.h"

namespace temper {

namespace {

// Whether a line describes something at or before this point of the run.
bool reached(const MetricLine& line, int64_t epoch, int64_t step) {
  if (line.epoch != epoch) return line.epoch < epoch;
  return (line.event == "step" || line.event == "probe") && line.step <= step;
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
    h.train_seconds += line.seconds;
  }
  h.csv.push_back(epoch_table_head());
  for (const std::string& line : read_lines(folder.epochs_csv().string()))
    if (const int64_t of = epoch_of_line(line); of > 0 && of < epoch) h.csv.push_back(line);
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
  jsonl_.add(step_line(r, grad_norm, of_method));
}

void MetricsLog::epoch(const EpochReport& r, const Metrics& of_method) {
  jsonl_.add(epoch_line(r, of_method));
  csv_.add(epoch_table_line(epoch_row(r)));
  train_seconds_ += r.seconds;
}

void MetricsLog::probe(const ProbeReport& r) { jsonl_.add(probe_line(r)); }

void MetricsLog::warning(int64_t epoch, const std::string& text) { jsonl_.add(warning_line(epoch, text)); }

void MetricsLog::plans(int64_t epoch, const PlansMade& made) { jsonl_.add(plans_line(epoch, made)); }

}  // namespace temper
