#include <filesystem>
#include <ostream>

#include "apps/progress.h"
#include "apps/results.h"
#include "apps/subcommand.h"
#include "workflows/run_experiment.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

struct Train : Subcommand {
  std::string config, out;
  std::vector<std::string> overrides;
  bool resume = false, quiet = false;

  void declare(Arguments& app) override {
    app.take("config", config, "YAML file; `temper describe experiment` lists its keys").required();
    app.take("--set", overrides, "key=value that overrides the file, such as loop.epochs=2");
    app.take("--out", out, "run folder; without it: runs/NAME for NAME.yaml");
    app.flag("--resume", resume, "continue the run in that folder where it stopped");
    app.flag("--quiet", quiet, "print errors only");
  }

  int run(Session& session) override {
    Experiment experiment = read_experiment(load_config(config, overrides));
    const RunFolder folder{out.empty() ? fs::path("runs") / fs::path(config).stem() : fs::path(out)};
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    const RunResult run = run_experiment(experiment, folder, observer,
                                         {.resume = resume ? Resume::yes : Resume::no, .program = session.program});
    if (!run.training) {
      observer.line(folder.root.string() + ": this run is complete; its report is " + folder.report().string());
      return kExitOk;
    }
    if (!run.test) {
      observer.line("interrupted; continue with: " + this_command(session, "--resume"));
      return kExitInterrupted;
    }
    observer.clear();
    if (!quiet) print_results(session, run.test->evaluation);
    observer.line("report: " + folder.report().string());
    return kExitOk;
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Train, "train", "train a network as a YAML file says, test it, write a report");

}  // namespace temper
