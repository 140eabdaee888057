#include <ostream>

#include "analysis/analysis.h"
#include "analysis/run_analysis.h"
#include "apps/progress.h"
#include "apps/subcommand.h"
#include "trainers/loop/loop.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

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
  std::string out = "Keys of the section `analysis` of FILE.yaml, or after --set analysis.";
  for (const FieldDoc& d : f.docs()) out += cat("\n  ", d.key, ": ", d.value, "\n      ", d.doc);
  return out;
}

struct Analyze : Subcommand {
  std::vector<std::string> inputs, overrides;
  std::string out;
  bool quiet = false;
  std::vector<std::pair<std::string, Arguments>> analyses;

  void declare(Arguments& app) override {
    for (const auto& [name, entry] : Registry<Analysis>::instance().all()) {
      const auto made = entry.make();
      Arguments sub = app.word(name, entry.doc, made->help() + "\n\n" + keys_of(name));
      sub.take("input", inputs, describe(made->takes())).required().one_or_more();
      sub.take("--set", overrides, "key=value that overrides the configurations, such as analysis.KEY=VALUE");
      sub.take("--out", out, "folder to write to; without it: runs/analyze/NAME");
      sub.flag("--quiet", quiet, "print the findings and errors only");
      analyses.emplace_back(name, sub);
    }
  }

  int run(Session& session) override {
    for (const auto& [name, sub] : analyses)
      if (sub.given()) return run(name, session);
    return kExitUsage;
  }

  int run(const std::string& name, Session& session) const {
    const fs::path folder = out.empty() ? fs::path("runs/analyze") / name : fs::path(out);
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    const std::optional<AnalysisResult> result =
        run_analysis({.name = name, .inputs = inputs, .overrides = overrides, .out = folder}, observer);
    if (!result) {
      observer.line("interrupted; continue with: " + this_command(session));
      return kExitInterrupted;
    }
    observer.clear();
    print(session, *result, folder);
    return kExitOk;
  }

  static void print(Session& session, const AnalysisResult& result, const fs::path& folder) {
    constexpr size_t kScreen = 60;
    if (result.findings.rows.size() <= kScreen) session.out << findings_text(result.findings);
    for (const std::string& note : result.findings.notes) session.out << note << "\n";
    session.out << "written: " << (folder / result.files.front()).string();
    for (size_t i = 1; i < result.files.size(); ++i) session.out << ", " << result.files[i];
    session.out << "\n";
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Analyze, "analyze", "analyses of training and of trained networks");

}  // namespace temper
