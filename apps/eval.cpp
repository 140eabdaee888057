#include <ostream>

#include "apps/progress.h"
#include "apps/results.h"
#include "apps/subcommand.h"
#include "core/files/folders.h"
#include "workflows/report/parts.h"
#include "workflows/run_test.h"

namespace temper {

namespace {

struct Eval : Subcommand {
  TestOptions options;
  std::string json;
  bool quiet = false;

  void declare(Arguments& app) override {
    app.take("run", options.run, "folder of a run; without it, say --model, --weights and --data");
    app.take("--model", options.model, "name of a model, or a YAML file with a `model` section");
    app.take("--weights", options.weights,
             "safetensors or npz file; or of a run: last, best, ema or swa (default last)");
    app.take("--data", options.data, "name of a data set");
    app.take("--attack", options.attacks,
             "one or more attacks: names from the configuration or from `temper list attacks`")
        .one_or_more();
    app.take("--limit", options.sample.count, "measure only N test images, a sample with each class in proportion")
        .positive();
    app.take("--sample-seed", options.sample.seed, "what --limit draws with (default 0)");
    app.take("--batch", options.batch, "images per batch").positive();
    app.take("--json", json, "also write the results to this file");
    app.take("--set", options.overrides, "key=value that overrides the configuration");
    app.flag("--quiet", quiet, "print errors only");
  }

  int run(Session& session) override {
    if (options.run.empty() == options.model.empty())
      throw UsageError("eval: expected either a run folder, or --model, --weights and --data");
    if (!options.model.empty() && (options.weights.empty() || options.data.empty()))
      throw UsageError("eval: --model needs --weights FILE and --data NAME");
    options.program = session.program;
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    const Evaluation results = run_test(options, observer).evaluation;
    observer.clear();
    if (!quiet) print_results(session, results);
    for (const EvaluationRow& row : results.rows)
      if (const std::string doubt = report::doubt_of(row); quiet && !doubt.empty())
        session.err << "warning: " << row.label << ": " << doubt << "\n";
    if (!json.empty()) write_text(json, evaluation_text(results));
    return kExitOk;
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Eval, "eval", "measure a run or any network under attacks");

}  // namespace temper
