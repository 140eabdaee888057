// The mean size of the gradient of some layers while training runs (CURE, figure 6a).
#include <cmath>

#include "analysis/analysis.h"
#include "analysis/watch.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

struct GradientWatch : StepWatch {
  GradientWatch(Observer& next, const RunFolder& folder, const std::vector<std::string>& layers, int64_t every)
      : StepWatch(next, folder.root / "gradients.jsonl", every), layers(layers) {}

  void on_state(TrainingState& s) override {
    if (chosen.empty()) chosen = match_layers(s.trained.front().gradient.layout(), layers);
    StepWatch::on_state(s);
  }
  std::vector<std::pair<std::string, double>> look(TrainingState& s) override {
    const ParamBuffer& gradient = s.trained.front().gradient;
    std::vector<std::pair<std::string, double>> means;
    for (const int i : chosen) {
      double sum = 0;
      const std::vector<double> values = gradient.read(i);
      for (const double v : values) sum += std::abs(v);
      means.emplace_back(gradient.layout()[i].name, sum / static_cast<double>(values.size()));
    }
    return means;
  }

  const std::vector<std::string>& layers;
  std::vector<int> chosen;  // set in the first step, so that a glob without a match is an error early
};

struct Gradients : Analysis {
  std::vector<std::string> layers = {"layer*.1.conv2"};
  int64_t every = 500;

  void fields(Fields& f) override {
    f("layers", layers, "globs of layers or parameters");
    f("every", every, Limits::at_least(1), "steps between measurements");
    if (layers.empty()) f.reject("layers", "expected at least one glob");
  }
  Takes takes() const override { return Takes::experiments; }
  std::string help() const override {
    return "Trains an experiment unchanged and records, every so many steps, the mean absolute value of the gradient "
           "that the optimiser was given, for every layer chosen. An interrupted one continues.";
  }

  Findings run(const AnalysisContext& context) override {
    Findings f{.title = "Mean size of the gradient",
               .columns = {"experiment", "parameter", "epoch", "step", "mean_abs_gradient"}};
    for (const Subject& s : context.subjects) {
      Experiment e = read_experiment(s.config);
      const RunFolder folder{context.out / s.name};
      GradientWatch watch(context.observer, folder, layers, every);
      train_watched(e, folder, watch);
      const std::vector<MetricRecord>& noted = watch.noted("gradients");
      Chart chart{.title = s.name + ": mean |gradient|", .x_label = "step", .y_label = "mean |gradient|"};
      for (const auto& [name, first] : noted.front().values) {
        Series line{.name = name, .color = static_cast<int>(chart.series.size() % 6)};
        for (const MetricRecord& r : noted) {
          f.rows.push_back({s.name, name, r.epoch, r.step, number(r.value(name))});
          line.points.emplace_back(r.step, r.value(name));
        }
        chart.series.push_back(line);
      }
      f.pictures.emplace_back(s.name, line_chart(chart));
    }
    f.notes = {
        "Mean over a parameter's elements of |gradient|, without weight decay; a method's mask of the step is not "
        "applied to it unless the method applies it to the gradient itself."};
    return f;
  }
};

TEMPER_REGISTER(Analysis, Gradients, "gradients", "mean size of the gradient per layer over training");

}  // namespace

}  // namespace temper
