#include <CLI/CLI.hpp>
#include <filesystem>
#include <ostream>

#include "apps/evaluate_run.h"
#include "apps/progress.h"
#include "apps/subcommand.h"
#include "evaluation/report_parts.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

// Whether a finished run was asked for exactly this. If not, run_training() says what differs.
bool same_config(const Experiment& experiment, const RunFolder& folder) {
  return fs::exists(folder.config()) &&
         YAML::Dump(YAML::LoadFile(folder.config().string())) == YAML::Dump(experiment.resolved);
}

struct Train : Subcommand {
  std::string config, out;
  std::vector<std::string> overrides;
  bool resume = false, quiet = false;

  void declare(CLI::App& app) override {
    app.add_option("config", config, "YAML file; `temper describe experiment` lists its keys")->required();
    app.add_option("--set", overrides, "key=value that overrides the file, such as loop.epochs=2");
    app.add_option("--out", out, "run folder; without it: runs/NAME for NAME.yaml");
    app.add_flag("--resume", resume, "continue the run in that folder where it stopped");
    app.add_flag("--quiet", quiet, "print errors only");
  }

  int run(Session& session) override {
    Experiment experiment = read_experiment(load_config(config, overrides));
    const RunFolder folder{out.empty() ? fs::path("runs") / fs::path(config).stem() : fs::path(out)};
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    if (resume && fs::exists(folder.evaluation()) && same_config(experiment, folder)) {
      observer.line(folder.root.string() + ": this run is complete; its report is " + folder.report().string());
      return kExitOk;
    }
    const TrainResult result = run_training(experiment, folder, observer, resume ? Resume::yes : Resume::no);
    if (result.outcome == Outcome::interrupted) {
      observer.line("interrupted; continue with the same command and --resume");
      return kExitInterrupted;
    }
    observer.line("trained in " + report::duration(result.train_seconds) + "; now the test images, once");
    const Results results = measure_run(experiment, folder, "last", observer);
    write_run_results(folder, results, session.program, &result);
    observer.clear();
    if (!quiet) print_results(session, results);
    observer.line("report: " + folder.report().string());
    return kExitOk;
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Train, "train", "train a network as a YAML file says, test it, write a report");

}  // namespace temper
