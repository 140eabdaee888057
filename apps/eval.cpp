#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <ostream>

#include "apps/evaluate_run.h"
#include "apps/progress.h"
#include "apps/subcommand.h"
#include "core/files/folders.h"
#include "evaluation/report/files.h"
#include "trainers/records/run_inputs_json.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

struct Eval : Subcommand {
  std::string run_folder, model, weights, data, json;
  std::vector<std::string> attacks, overrides;
  int64_t batch = 0;
  TestSample sample;
  bool quiet = false;

  void declare(CLI::App& app) override {
    app.add_option("run", run_folder, "folder of a run; without it, say --model, --weights and --data");
    app.add_option("--model", model, "name of a model, or a YAML file with a `model` section");
    app.add_option("--weights", weights, "safetensors or npz file; or of a run: last, best, ema or swa (default last)");
    app.add_option("--data", data, "name of a data set");
    app.add_option("--attack", attacks,
                   "one or more attacks: what the configuration calls so, or a name of `temper list attacks`")
        ->expected(1, -1);
    app.add_option("--limit", sample.count, "measure only N test images, drawn so that every class gives its share");
    app.add_option("--sample-seed", sample.seed, "what --limit draws with (default 0)");
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
    if (!json.empty()) write_text(json, json_text(results_json(results)));
    return kExitOk;
  }

  Results of_run(Session& session, ConsoleObserver& observer) const {
    const RunFolder folder{run_folder};
    TEMPER_CHECK(is_there(folder.config()), run_folder, ": holds no run, because there is no config.yaml in it");
    Config config = load_config(folder.config().string());
    if (fs::path(weights).has_extension()) return of_file(config, observer);
    Experiment experiment = configured(config, observer);
    const std::string which = weights.empty() ? "last" : weights;
    // Anything else than the run's own evaluation is only shown.
    const bool own = which == "last" && attacks.empty() && overrides.empty() && sample.count == 0 && data.empty();
    const std::optional<RunLock> lock = own ? std::optional<RunLock>(std::in_place, folder) : std::nullopt;
    const Results results = measure_run(experiment, folder, which, observer, sample);
    const std::vector<std::string> others = differences_from_own(folder, results, which);
    for (const std::string& other : others) observer.on_warning(other);
    if (lock && others.empty()) write_run_results(*lock, results, session.program);
    return results;
  }

  // In what these results are not about the images and the weights of the run's own, nor the classes it was trained on.
  std::vector<std::string> differences_from_own(const RunFolder& folder, const Results& r,
                                                const std::string& which) const {
    std::vector<std::string> out;
    const nlohmann::ordered_json own = read_run_json(folder.evaluation());
    if (own.contains("test") && !own.contains("sample") && !r.part)
      for (const std::string& d : differences(set_fingerprint(own["test"]), r.test))
        out.push_back("not the test images of the run's own results: " + d);
    const std::string weights = own.value("weights_fingerprint", "");
    if (which == "last" && !weights.empty() && weights != r.weights_fingerprint)
      out.push_back(cat("not the weights of the run's own results: ", weights, " -> ", r.weights_fingerprint));
    const std::string names = run_inputs(read_run_json(folder.inputs())).train.names;
    if (!names.empty() && !r.test.names.empty() && names != r.test.names)
      out.push_back(
          "the classes have other names than those the run was trained on, so a label may mean another class");
    return out;
  }

  Results of_model(ConsoleObserver& observer) const {
    if (weights.empty() || data.empty()) throw UsageError("eval: --model needs --weights FILE and --data NAME");
    Config config;
    if (fs::path(model).extension() == ".yaml" || fs::path(model).extension() == ".yml") {
      config = load_config(model);
      TEMPER_CHECK(config.root.find("model"), model, ": expected a `model` section");
    } else {
      put(config, "model", "name", model, "--model");
    }
    Results results = of_file(config, observer);
    results.method = "";
    return results;
  }

  // The network of a configuration with the weights of a file.
  Results of_file(Config& config, ConsoleObserver& observer) const {
    put(config, "model", "weights", weights, "--weights");
    Experiment experiment = configured(config, observer);
    return measure(experiment, observer, sample);
  }

  // The configuration with what the options say.
  Experiment configured(Config config, Observer& observer) const {
    if (!data.empty()) {
      put(config, "data", "name", data, "--data");
      config.passed.erase("data");  // nobody expects the other reader's keys
    }
    if (batch > 0) put(config, "evaluation", "batch_size", std::to_string(batch), "--batch");
    if (!attacks.empty()) choose_attacks(config);
    apply_overrides(config, overrides);
    Experiment experiment = read_experiment(config);
    for (const std::string& hardly_meant : experiment.warnings) observer.on_warning(hardly_meant);
    return experiment;
  }

  // Each as the configuration has it under that label; else the attack of that name, with its defaults.
  void choose_attacks(Config& config) const {
    ConfigNode& evaluation = config.root["evaluation"];
    if (evaluation.is_nothing()) evaluation = ConfigNode::section();
    if (!evaluation.is_section()) return;  // whoever reads it says what is wrong with it
    const ConfigNode before = std::as_const(evaluation)["attacks"];
    ConfigNode chosen = ConfigNode::section();
    for (const std::string& attack : attacks) {
      if (before[attack].is_section()) {
        chosen[attack] = before[attack];
        continue;
      }
      chosen[attack]["name"] = attack;
      config.where["evaluation.attacks." + attack + ".name"] = "--attack " + attack;
    }
    evaluation["attacks"] = chosen;
  }
};

}  // namespace

TEMPER_REGISTER(Subcommand, Eval, "eval", "measure a run or any network under attacks");

}  // namespace temper
