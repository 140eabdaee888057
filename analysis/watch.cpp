#include "analysis/watch.h"

#include <algorithm>

#include "core/files/json.h"

#include "core/text.h"
#include "trainers/loop/signals.h"
#include "trainers/records/metric_lines.h"

namespace temper {

namespace {

std::string text_of(const MetricRecord& r) {
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  for (const auto& [name, v] : r.values) values[name] = v;
  return nlohmann::ordered_json{{"epoch", r.epoch}, {"step", r.step}, {"values", values}}.dump();
}

}  // namespace

Notes::Notes(std::filesystem::path file) : file_(file.string()) {
  for (const MetricLine& line : read_metric_lines(file_)) {
    const auto values = parse_json<nlohmann::ordered_json>(line.text).value("values", nlohmann::ordered_json::object());
    MetricRecord r{.epoch = line.epoch, .step = line.step, .values = {}};
    for (const auto& [name, v] : values.items())
      r.values.emplace_back(name, v.is_number() ? v.get<double>() : double{NAN});
    records_.push_back(std::move(r));
  }
}

void Notes::start(const StartReport& r) {
  const int64_t done = (r.epoch - 1) * r.steps_per_epoch + r.step;
  std::erase_if(records_, [&](const MetricRecord& m) { return m.step > done; });
  std::vector<std::string> lines;
  for (const MetricRecord& m : records_) lines.push_back(text_of(m));
  journal_.emplace(file_, lines);
}

void Notes::add(MetricRecord record) {
  journal_->add(text_of(record));
  records_.push_back(std::move(record));
}

void StepWatch::on_start(const StartReport& r) {
  const int64_t steps = r.epochs * r.steps_per_epoch;
  TEMPER_CHECK(steps >= every_, "analysis.every: expected at most ", steps, ", because with fewer steps than ",
               "analysis.every (", every_, ") nothing would be measured");
  notes_.start(r);
  Watch::on_start(r);
}

void StepWatch::on_state(TrainingState& s) {
  Watch::on_state(s);
  const Progress& p = s.progress;
  if (p.total_steps % every_ == 0) notes_.add({.epoch = p.epoch, .step = p.total_steps, .values = look(s)});
}

const std::vector<MetricRecord>& StepWatch::noted(const std::string& who) const {
  TEMPER_CHECK(!notes_.all().empty(), who, ": the training has fewer steps than analysis.every (", every_,
               "), so nothing was measured; lower it");
  return notes_.all();
}

void train_watched(Experiment& experiment, const RunFolder& folder, Observer& observer) {
  std::filesystem::create_directories(folder.root);
  const Resume resume = std::filesystem::exists(folder.config()) ? Resume::yes : Resume::no;
  if (run_training(experiment, folder, observer, resume).outcome == Outcome::interrupted) throw Interrupted{};
}

std::vector<int> match_layers(const ParamLayout& layout, const std::vector<std::string>& globs) {
  std::vector<int> found;
  for (const std::string& glob : globs) {
    std::vector<int> some = layout.match(glob);
    if (some.empty()) some = layout.match(glob + ".weight");
    std::vector<std::string> names;
    for (const Param& p : layout.all()) names.push_back(p.name);
    TEMPER_CHECK(!some.empty(), "analysis: '", glob, "' matches no parameter", did_you_mean(glob, names), " (such as ",
                 names.empty() ? "" : names.front(), ")");
    for (const int i : some)
      if (std::find(found.begin(), found.end(), i) == found.end()) found.push_back(i);
  }
  return found;
}

}  // namespace temper
