#include "analysis/run_analysis.h"

#include <map>

#include "analysis/analysis.h"
#include "core/files/folders.h"
#include "trainers/loop/signals.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

// The section `analysis`, cut out of a configuration; the rest is an experiment.
Config take_analysis(Config& config) {
  Fields f(config);
  Config part = f.part("analysis", "");
  config.root.erase("analysis");
  return part;
}

std::string leaf(const std::string& input) {
  std::error_code failed;
  const fs::path whole = fs::weakly_canonical(input, failed);
  return (failed ? fs::path(input) : whole).stem().string();
}

// Every input's configuration with the overrides; `settings` becomes what their sections `analysis` say.
std::vector<Subject> read_subjects(const AnalysisOptions& options, Analysis::Takes takes, Config& settings) {
  std::map<std::string, int> of_this_name;
  for (const std::string& input : options.inputs) ++of_this_name[leaf(input)];
  std::vector<Subject> subjects;
  for (const std::string& input : options.inputs) {
    const bool run = takes == Analysis::Takes::runs || (takes == Analysis::Takes::either && is_folder(input));
    const RunFolder folder{input};
    TEMPER_CHECK(!run || is_there(folder.config()), input,
                 ": holds no run, because there is no config.yaml in it; this analysis takes folders of runs");
    TEMPER_CHECK(run || !is_folder(input), input,
                 ": is a folder; this analysis does its own training and takes the YAML file of an experiment");
    subjects.push_back({.name = of_this_name[leaf(input)] > 1 ? input : leaf(input),
                        .config = load_config(run ? folder.config().string() : input, options.overrides),
                        .folder = run ? std::optional(folder) : std::nullopt});
    overlay(settings, take_analysis(subjects.back().config));
  }
  return subjects;
}

}  // namespace

std::optional<AnalysisResult> run_analysis(const AnalysisOptions& options, Observer& observer) {
  const std::unique_ptr<Analysis> analysis = Registry<Analysis>::instance().make(options.name);
  Config settings;
  const std::vector<Subject> subjects = read_subjects(options, analysis->takes(), settings);
  Fields f(settings);
  analysis->fields(f);
  f.finish();
  make_folder(options.out);
  for (const std::string& hardly_meant : f.warnings()) observer.on_warning(hardly_meant);
  const SignalGuard signals;
  try {
    AnalysisResult result{.findings = analysis->run({subjects, options.out, observer}), .files = {}};
    result.files = write_findings(result.findings, options.name, options.out);
    write_text(options.out / "settings.yaml", f.resolved().yaml() + "\n");
    return result;
  } catch (const Interrupted&) {
    return {};
  }
}

}  // namespace temper
