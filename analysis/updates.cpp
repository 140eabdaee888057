// How much of each layer a masked method updates, early, in the middle and late (CURE, figures 6b and 10).
#include <algorithm>

#include "analysis/analysis.h"
#include "analysis/records.h"
#include "core/params.h"
#include "workflows/report/bars.h"
#include "workflows/report/svg.h"

namespace temper {

namespace {

constexpr const char* kPrefix = "kept/";

struct Updates : Analysis {
  std::vector<std::string> parameters = {"*"}, curves = {"layer*.1.conv2.weight"};
  double window = 0.1;

  void fields(Fields& f) override {
    f("parameters", parameters, "globs of the parameters in the table");
    f("curves", curves, "globs of the parameters in the chart");
    f("window", window, Limits::above(0).up_to(1),
      "share of the logged steps that is averaged at the start, in the middle and at the end");
  }
  Takes takes() const override { return Takes::runs; }
  std::string help() const override {
    return "Reads from the metrics of runs what share of each parameter's elements the gradient mask let through "
           "(kept/PARAMETER, recorded by CURE every loop.log_every steps), averaged over the first, the middle and the "
           "last logged steps.";
  }

  Findings run(const AnalysisContext& context) override {
    Findings f{.title = "Share of updated weights",
               .columns = {"run", "parameter", "records", "initial", "middle", "final"}};
    for (const Subject& s : context.subjects) {
      const std::vector<MetricRecord> records = read_step_metrics(*s.folder, kPrefix);
      TEMPER_CHECK(!records.empty(), s.folder->metrics().string(),
                   ": no step has logged the share of updated weights, because the method has no gradient mask or "
                   "loop.log_every is 0");
      of_run(s.name, records, f);
    }
    f.notes = {"Share of a parameter's elements whose gradient was kept; 1: all of them."};
    return f;
  }

  void of_run(const std::string& name, const std::vector<MetricRecord>& records, Findings& f) const {
    const size_t n = records.size(), width = std::max<size_t>(1, static_cast<size_t>(window * static_cast<double>(n)));
    Bars bars{.title = name + ": share of updated weights", .y_label = "share updated"};
    bars.groups = {{"initial", 2, {}}, {"middle", 1, {}}, {"final", 0, {}}};
    Chart chart{.title = name + ": share of updated weights",
                .x_label = "step",
                .y_label = "share updated",
                .y_range = std::pair{0.0, 1.0}};
    for (const auto& [key, first] : records.front().values) {
      const std::string parameter = key.substr(std::string(kPrefix).size());
      if (matches(parameters, parameter)) {
        const double shares[] = {mean(records, key, 0, width), mean(records, key, (n - width) / 2, width),
                                 mean(records, key, n - width, width)};
        f.rows.push_back({name, parameter, n, number(shares[0]), number(shares[1]), number(shares[2])});
        bars.categories.push_back(parameter);
        for (size_t i = 0; i < 3; ++i) bars.groups[i].values.push_back(shares[i]);
      }
      if (!matches(curves, parameter)) continue;
      Series line{.name = parameter, .color = static_cast<int>(chart.series.size() % 6)};
      for (const MetricRecord& r : records) line.points.emplace_back(r.step, r.value(key));
      chart.series.push_back(line);
    }
    f.pictures.emplace_back(name, bar_chart(bars));
    f.pictures.emplace_back(name + "-curves", line_chart(chart));
  }

  static bool matches(const std::vector<std::string>& globs, const std::string& name) {
    return std::any_of(globs.begin(), globs.end(), [&](const std::string& g) { return glob_matches(g, name); });
  }

  static double mean(const std::vector<MetricRecord>& records, const std::string& key, size_t from, size_t count) {
    double sum = 0;
    for (size_t i = from; i < from + count; ++i) sum += records[i].value(key);
    return sum / static_cast<double>(count);
  }
};

TEMPER_REGISTER(Analysis, Updates, "updates", "share of updated weights per layer over training");

}  // namespace

}  // namespace temper
