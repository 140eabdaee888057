#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <ostream>

#include "analysis/analysis.h"
#include "apps/progress.h"
#include "apps/results.h"
#include "apps/subcommand.h"
#include "core/files/folders.h"
#include "evaluation/report/svg.h"
#include "trainers/loop/loop.h"
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

const char* describe(Analysis::Takes takes) {
  switch (takes) {
    case Analysis::Takes::runs: return "folders of runs";
    case Analysis::Takes::experiments: return "YAML files of experiments to train";
    case Analysis::Takes::either: return "folders of runs, YAML files of experiments to train";
  }
  return "";
}

std::string keys_of(const std::string& name) {
  const Config nothing;
  Fields f(nothing);
  Registry<Analysis>::instance().make(name)->fields(f);
  std::string out = "Keys of the section `analysis` of FILE.yaml, or behind --set analysis.";
  for (const FieldDoc& d : f.docs()) out += cat("\n  ", d.key, ": ", d.value, "\n      ", d.doc);
  return out;
}

struct Analyze : Subcommand {
  std::vector<std::string> inputs, overrides;
  std::string out;
  bool quiet = false;
  std::vector<std::pair<std::string, CLI::App*>> analyses;

  void declare(CLI::App& app) override {
    app.require_subcommand(1);
    for (const auto& [name, entry] : Registry<Analysis>::instance().all()) {
      CLI::App* sub = app.add_subcommand(name, entry.doc);
      const auto made = entry.make();
      sub->footer(made->help() + "\n\n" + keys_of(name));
      sub->add_option("input", inputs, describe(made->takes()))->required()->expected(1, -1);
      sub->add_option("--set", overrides, "key=value that overrides the configurations, such as analysis.KEY=VALUE");
      sub->add_option("--out", out, "folder to write to; without it: runs/analyze/NAME");
      sub->add_flag("--quiet", quiet, "print the findings and errors only");
      analyses.emplace_back(name, sub);
    }
  }

  int run(Session& session) override {
    for (const auto& [name, sub] : analyses)
      if (sub->parsed()) return run(name, session);
    return kExitUsage;
  }

  int run(const std::string& name, Session& session) const {
    const std::unique_ptr<Analysis> analysis = Registry<Analysis>::instance().make(name);
    Config settings;
    const std::vector<Subject> subjects = read_subjects(analysis->takes(), settings);
    Fields f(settings);
    analysis->fields(f);
    f.finish();
    const fs::path folder = out.empty() ? fs::path("runs/analyze") / name : fs::path(out);
    make_folder(folder);
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    for (const std::string& hardly_meant : f.warnings()) observer.on_warning(hardly_meant);
    const SignalGuard signals;
    try {
      const Findings found = analysis->run({subjects, folder, observer});
      observer.clear();
      write(session, found, name, folder, f.resolved());
      return kExitOk;
    } catch (const Interrupted&) {
      observer.line("interrupted; continue with: " + this_command(session));
      return kExitInterrupted;
    }
  }

  // Every input's configuration with the overrides; `settings` becomes what their sections `analysis` say.
  std::vector<Subject> read_subjects(Analysis::Takes takes, Config& settings) const {
    std::map<std::string, int> of_this_name;
    for (const std::string& input : inputs) ++of_this_name[leaf(input)];
    std::vector<Subject> subjects;
    for (const std::string& input : inputs) {
      const bool run = takes == Analysis::Takes::runs || (takes == Analysis::Takes::either && is_folder(input));
      const RunFolder folder{input};
      TEMPER_CHECK(!run || is_there(folder.config()), input,
                   ": holds no run, because there is no config.yaml in it; this analysis takes folders of runs");
      TEMPER_CHECK(run || !is_folder(input), input,
                   ": is a folder; this analysis trains by itself and takes the YAML file of an experiment");
      subjects.push_back({.name = of_this_name[leaf(input)] > 1 ? input : leaf(input),
                          .config = load_config(run ? folder.config().string() : input, overrides),
                          .folder = run ? std::optional(folder) : std::nullopt});
      overlay(settings, take_analysis(subjects.back().config));
    }
    return subjects;
  }

  static std::string leaf(const std::string& input) {
    std::error_code failed;
    const fs::path whole = fs::weakly_canonical(input, failed);
    return (failed ? fs::path(input) : whole).stem().string();
  }

  static void write(Session& session, const Findings& found, const std::string& name, const fs::path& folder,
                    const ConfigNode& settings) {
    const std::string stem = (folder / name).string();
    write_text(stem + ".csv", findings_csv(found));
    write_text(stem + ".json", json_text(findings_json(found)));
    write_text((folder / "settings.yaml").string(), settings.yaml() + "\n");
    constexpr size_t kScreen = 60;
    if (found.rows.size() <= kScreen) session.out << findings_text(found);
    for (const std::string& note : found.notes) session.out << note << "\n";
    session.out << "written: " << stem << ".csv, " << name << ".json";
    for (const auto& [picture, svg] : found.pictures) {
      if (svg.empty()) continue;
      std::string file = name + "-" + picture + ".svg";
      std::replace(file.begin(), file.end(), '/', '-');
      write_text((folder / file).string(), standalone_svg(svg));
      session.out << ", " << file;
    }
    session.out << "\n";
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Analyze, "analyze", "experiments that look into training and into trained networks");

}  // namespace temper
