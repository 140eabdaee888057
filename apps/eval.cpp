#include <CLI/CLI.hpp>
#include <filesystem>
#include <ostream>

#include "apps/evaluate_run.h"
#include "apps/progress.h"
#include "apps/subcommand.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

struct Eval : Subcommand {
  std::string run_folder, model, weights, data, json;
  std::vector<std::string> attacks, overrides;
  int64_t limit = 0, batch = 0;
  bool quiet = false;

  void declare(CLI::App& app) override {
    app.add_option("run", run_folder, "folder of a run; without it, say --model, --weights and --data");
    app.add_option("--model", model, "name of a model, or a YAML file with a `model` section");
    app.add_option("--weights", weights, "safetensors or npz file; for a run: last, best, ema or swa (default last)");
    app.add_option("--data", data, "name of a data set");
    app.add_option("--attack", attacks, "name of one or more attacks or presets; `temper list attacks`")
        ->expected(1, -1);
    app.add_option("--limit", limit, "measure only the first N test images");
    app.add_option("--batch", batch, "images per batch");
    app.add_option("--json", json, "also write the results to this file");
    app.add_option("--set", overrides, "key=value that overrides the configuration");
    app.add_flag("--quiet", quiet, "print errors only");
    app.get_option("--limit")->check(CLI::PositiveNumber);
    app.get_option("--batch")->check(CLI::PositiveNumber);
  }

  int run(Session& session) override {
    if (run_folder.empty() == model.empty())
      throw UsageError("eval: expected either a run folder, or --model, --weights and --data");
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    const Results results = model.empty() ? of_run(session, observer) : of_model(observer);
    observer.clear();
    if (!quiet) print_results(session, results);
    for (const TestRow& row : results.rows)
      if (const std::string doubt = doubt_of(row); quiet && !doubt.empty())
        session.err << "warning: " << row.label << ": " << doubt << "\n";
    if (!json.empty()) write_text(json, results_json(results).dump(2) + "\n");
    return kExitOk;
  }

  Results of_run(Session& session, ConsoleObserver& observer) const {
    const RunFolder folder{run_folder};
    TEMPER_CHECK(fs::exists(folder.config()), run_folder, ": holds no run, because there is no config.yaml in it");
    Experiment experiment = configured(load_config(folder.config().string()));
    const std::string which = weights.empty() ? "last" : weights;
    const Results results = measure_run(experiment, folder, which, observer, limit);
    // Anything else than the run's own evaluation is only shown.
    if (which == "last" && attacks.empty() && overrides.empty() && limit == 0 && data.empty())
      write_run_results(folder, results, session.program);
    return results;
  }

  Results of_model(ConsoleObserver& observer) const {
    if (weights.empty() || data.empty()) throw UsageError("eval: --model needs --weights FILE and --data NAME");
    Config config;
    if (fs::path(model).extension() == ".yaml" || fs::path(model).extension() == ".yml") {
      config = load_config(model);
      TEMPER_CHECK(config.root["model"], model, ": expected a `model` section");
    } else {
      config.root["model"]["name"] = model;
    }
    config.root["model"]["weights"] = weights;
    Experiment experiment = configured(config);
    Results results = measure(experiment, observer, limit);
    results.method = "";
    return results;
  }

  // The configuration with what the options say.
  Experiment configured(Config config) const {
    if (!data.empty()) config.root["data"]["name"] = data;
    if (batch > 0) config.root["evaluation"]["batch_size"] = batch;
    if (!attacks.empty()) {
      YAML::Node chosen(YAML::NodeType::Map);
      for (const std::string& attack : attacks) chosen[attack]["name"] = attack;
      config.root["evaluation"]["attacks"] = chosen;
    }
    apply_overrides(config, overrides);
    return read_experiment(config);
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Eval, "eval", "measure a run or any network under attacks");

}  // namespace temper
