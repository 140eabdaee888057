// The stability of the running statistics of BatchNorm: the variance of the running means within each epoch (ARAT).
#include <map>

#include "analysis/analysis.h"
#include "analysis/watch.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

constexpr const char* kSuffix = ".running_mean";
constexpr const char* kAll = "all";

// Variance over what was added, one for each channel (Welford's recurrence).
struct Moments {
  std::vector<double> mean, squares;
  int64_t count = 0;

  void add(const std::vector<double>& x) {
    mean.resize(x.size());
    squares.resize(x.size());
    ++count;
    for (size_t i = 0; i < x.size(); ++i) {
      const double off = x[i] - mean[i];
      mean[i] += off / static_cast<double>(count);
      squares[i] += off * (x[i] - mean[i]);
    }
  }
  double sum() const {
    double s = 0;
    for (const double v : squares) s += v / static_cast<double>(count);
    return s;
  }
};

struct Place {
  std::string branch, layer;
};

// Where a running mean belongs: the first branch has the plain names, NAME.running_mean, others
// NAME.BRANCH.running_mean.
Place place_of(const std::string& name, const std::vector<std::string>& branches) {
  const std::string layer = name.substr(0, name.size() - std::string(kSuffix).size());
  for (size_t b = 1; b < branches.size(); ++b) {
    const std::string end = "." + branches[b];
    if (layer.size() > end.size() && layer.compare(layer.size() - end.size(), end.size(), end) == 0)
      return {branches[b], layer.substr(0, layer.size() - end.size())};
  }
  return {branches.front(), layer};
}

struct BnWatch : Watch {
  BnWatch(Observer& next, const RunFolder& folder) : Watch(next), notes(folder.root / "bn.jsonl") {}

  void on_start(const StartReport& r) override {
    notes.start(r);
    Watch::on_start(r);
  }
  void on_state(TrainingState& s) override {
    Watch::on_state(s);
    if (branches.empty()) branches = s.network->options().branches;
    const ParamBuffer& buffers = s.network->weights().buffers;
    const std::vector<int> means = buffers.layout().match(std::string("*") + kSuffix);
    TEMPER_CHECK(!means.empty(), "bn: the network (", s.experiment.model.name, ") has no BatchNorm");
    for (const int i : means) moments[buffers.layout()[i].name].add(buffers.read(i));
    step = s.progress.total_steps;
  }
  void on_epoch(const EpochReport& r) override {
    MetricRecord record{.epoch = r.epoch, .step = step, .values = {}};
    std::map<std::string, std::pair<double, double>> all;  // branch -> sum, channels
    for (const auto& [name, m] : moments) {
      const Place at = place_of(name, branches);
      const auto channels = static_cast<double>(m.mean.size());
      record.values.emplace_back(at.branch + "/" + at.layer, m.sum() / channels);
      all[at.branch].first += m.sum();
      all[at.branch].second += channels;
    }
    for (const auto& [branch, total] : all) record.values.emplace_back(branch + "/" + kAll, total.first / total.second);
    if (!moments.empty()) {
      record.values.emplace_back("steps", static_cast<double>(moments.begin()->second.count));
      notes.add(record);
    }
    moments.clear();
    Watch::on_epoch(r);
  }

  Notes notes;
  std::vector<std::string> branches;
  std::map<std::string, Moments> moments;
  int64_t step = 0;
};

struct Bn : Analysis {
  Takes takes() const override { return Takes::experiments; }
  std::string help() const override {
    return "Trains experiments unchanged and computes for every epoch the variance of BatchNorm's running means over the "
           "epoch's steps, averaged over channels, per layer and for each BatchNorm branch. Give it a method with shared "
           "and with split BatchNorm to compare them. An interrupted analysis continues; the interrupted epoch is "
           "computed from the steps after the interruption.";
  }

  Findings run(const AnalysisContext& context) override {
    Findings f{.title = "Stability of BatchNorm's running means",
               .columns = {"experiment", "branch", "layer", "epoch", "steps", "variance"}};
    Chart chart{.title = "Variance of the running means within an epoch", .x_label = "epoch", .y_label = "variance"};
    for (const Subject& s : context.subjects) {
      Experiment e = read_experiment(s.config);
      const RunFolder folder{context.out / s.name};
      BnWatch watch(context.observer, folder);
      train_watched(e, folder, watch);
      TEMPER_CHECK(!watch.notes.all().empty(), "bn: ", s.name, " was trained to the end without notes in ",
                   (folder.root / "bn.jsonl").string(), "; remove ", folder.root.string(), " to train it again");
      for (const auto& [name, first] : watch.notes.all().front().values) {
        if (name == "steps") continue;
        const size_t slash = name.find('/');
        const std::string branch = name.substr(0, slash), layer = name.substr(slash + 1);
        Series line{.name = s.name + " " + branch, .color = static_cast<int>(chart.series.size() % 6)};
        for (const MetricRecord& r : watch.notes.all()) {
          f.rows.push_back(
              {s.name, branch, layer, r.epoch, static_cast<int64_t>(r.value("steps")), number(r.value(name))});
          line.points.emplace_back(r.epoch, r.value(name));
        }
        if (layer == kAll) chart.series.push_back(line);
      }
    }
    f.pictures.emplace_back("curves", line_chart(chart));
    f.notes = {
        "Variance (divided by the number of steps) of every channel's running mean over the steps of an epoch, "
        "averaged over channels; layer `all`: over the channels of all layers."};
    return f;
  }
};

TEMPER_REGISTER(Analysis, Bn, "bn", "stability of BatchNorm's running means, per branch");

}  // namespace

}  // namespace temper
