#include "workflows/run_test.h"

#include "core/environment/cpus.h"
#include "core/files/file.h"
#include "core/files/folders.h"
#include "core/text.h"
#include "trainers/records/run_inputs.h"
#include "trainers/state/network_fingerprint.h"
#include "workflows/report/attack_examples.h"
#include "workflows/report/page.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

TestResult measure(Engine& engine, Network& network, const Experiment& e, const TestImages& tested,
                   Observer& observer) {
  const ImageSet& test = tested.images;
  for (const std::string& note : test.notes) observer.on_warning(note);
  for (const std::string& note : network.notes()) observer.on_warning(note);
  if (const std::string note = note_on_threads(e.threads); !note.empty()) observer.on_warning(note);
  TestResult r{.evaluation = {.method = e.trainer.name,
                              .model = e.model.name,
                              .data = e.data.name,
                              .device = name(engine.device()),
                              .precision = name(e.precision),
                              .normalisation = {{.mean = e.model.mean, .std = e.model.std}},
                              .weights_fingerprint = network_fingerprint(network),
                              .images_test = test.size(),
                              .test = fingerprint(test),
                              .part = tested.part}};
  for (const TestRow& row : evaluate_test(engine, network, e, test, observer))
    r.evaluation.rows.push_back(evaluation_row(row));
  set_nrr(r.evaluation);
  if (!e.evaluation.attacks.empty()) {
    const Pass pass = Pass::eval(e.trainer.method->eval_branch(network));
    const NamedAttack& first = e.evaluation.attacks.front();
    r.examples = attack_examples(engine, network, pass, test, *first.attack);
    r.examples.attack = first.label;
  }
  return r;
}

// Each as the configuration has it under that label; else the attack of that name, with its defaults.
void choose_attacks(Config& config, const std::vector<std::string>& attacks) {
  ConfigNode& evaluation = config.root["evaluation"];
  if (evaluation.is_nothing()) evaluation = ConfigNode::section();
  if (!evaluation.is_section()) return;  // the error is reported where the key is read
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

// The configuration with what the options say.
Experiment configured(const TestOptions& o, Config config, Observer& observer) {
  if (!o.data.empty()) {
    put(config, "data", "name", o.data, "--data");
    config.passed.erase("data");  // keys of the other data set's reader do not apply
  }
  if (o.batch > 0) put(config, "evaluation", "batch_size", std::to_string(o.batch), "--batch");
  if (!o.attacks.empty()) choose_attacks(config, o.attacks);
  apply_overrides(config, o.overrides);
  Experiment experiment = read_experiment(config);
  for (const std::string& hardly_meant : experiment.warnings) observer.on_warning(hardly_meant);
  return experiment;
}

// The network of a configuration with the weights of a file.
TestResult test_file(const TestOptions& o, Config& config, Observer& observer) {
  put(config, "model", "weights", o.weights, "--weights");
  Experiment experiment = configured(o, config, observer);
  return test_network(experiment, observer, o.sample);
}

TestResult test_model(const TestOptions& o, Observer& observer) {
  TEMPER_CHECK(!o.model.empty() && !o.weights.empty() && !o.data.empty(),
               "run_test: expected the folder of a run, or a model with weights and data");
  Config config;
  if (const fs::path file = o.model; file.extension() == ".yaml" || file.extension() == ".yml") {
    config = load_config(o.model);
    TEMPER_CHECK(config.root.find("model"), o.model, ": expected a `model` section");
  } else {
    put(config, "model", "name", o.model, "--model");
  }
  TestResult result = test_file(o, config, observer);
  result.evaluation.method = "";
  return result;
}

// In what these results are not about the images and the weights of the run's own, nor the classes it was trained on.
std::vector<std::string> differences_from_own(const RunFolder& folder, const Evaluation& e, const std::string& which) {
  std::vector<std::string> out;
  const Evaluation own = read_evaluation(folder.evaluation());
  if (!own.part && !e.part)
    for (const std::string& d : differences(own.test, e.test))
      out.push_back("not the test images of the run's own results: " + d);
  if (which == "last" && !own.weights_fingerprint.empty() && own.weights_fingerprint != e.weights_fingerprint)
    out.push_back(
        cat("not the weights of the run's own results: ", own.weights_fingerprint, " -> ", e.weights_fingerprint));
  const std::string names = read_inputs(folder).train.names;
  if (!names.empty() && !e.test.names.empty() && names != e.test.names)
    out.push_back("the classes have other names than those the run was trained on, so a label may mean another class");
  return out;
}

}  // namespace

TestResult test_network(Experiment& experiment, Observer& observer, TestSample sample) {
  const TestImages test = test_images(experiment, sample);
  Engine engine(experiment.engine_options());
  const std::unique_ptr<Network> network = make_network(engine, experiment, shape_of(test.images));
  TestResult r = measure(engine, *network, experiment, test, observer);
  r.evaluation.weights = experiment.model.weights.empty() ? "untrained" : experiment.model.weights;
  return r;
}

TestResult test_run(Experiment& experiment, const RunFolder& folder, const std::string& weights, Observer& observer,
                    TestSample sample) {
  const TestImages test = test_images(experiment, sample);
  Engine engine(experiment.engine_options());
  const std::unique_ptr<Network> network = load_run_network(engine, experiment, folder, weights, shape_of(test.images));
  TestResult r = measure(engine, *network, experiment, test, observer);
  r.evaluation.weights = weights + " weights";
  return r;
}

Evaluation write_test(const RunLock& lock, const TestResult& result, const std::string& program,
                      const TrainResult* end) {
  const RunFolder& folder = lock.folder();
  Evaluation e = result.evaluation;
  if (end)
    e.training = {.outcome = end->end.outcome,
                  .epochs = end->end.epochs,
                  .best_epoch = end->end.best_epoch,
                  .images_train = end->images_train,
                  .images_validation = end->images_validation,
                  .seconds = end->end.train_seconds};
  else
    e.training = read_evaluation(folder.evaluation()).training;
  e.inputs = read_inputs(folder);
  e.command = quoted(program) + " train " + quoted(folder.config().string()) + " --out " +
              quoted(folder.root.string() + "-again");
  lock.check_in_place();
  write_text_atomically(folder.examples().string(), examples_text(result.examples));
  write_text_atomically(folder.report().string(), run_page(read_run(folder.root, e)));
  write_text_atomically(folder.evaluation().string(), evaluation_text(e));
  lock.check_in_place();
  return e;
}

TestResult run_test(const TestOptions& o, Observer& observer) {
  if (o.run.empty()) return test_model(o, observer);
  const RunFolder folder{o.run};
  TEMPER_CHECK(is_there(folder.config()), o.run, ": holds no run, because there is no config.yaml in it");
  Config config = load_config(folder.config().string());
  if (fs::path(o.weights).has_extension()) return test_file(o, config, observer);
  Experiment experiment = configured(o, config, observer);
  const std::string which = o.weights.empty() ? "last" : o.weights;
  // Anything else than the run's own evaluation is only shown.
  const bool own = which == "last" && o.attacks.empty() && o.overrides.empty() && o.sample.count == 0 && o.data.empty();
  const std::optional<RunLock> lock = own ? std::optional<RunLock>(std::in_place, folder) : std::nullopt;
  const TestResult result = test_run(experiment, folder, which, observer, o.sample);
  const std::vector<std::string> others = differences_from_own(folder, result.evaluation, which);
  for (const std::string& other : others) observer.on_warning(other);
  if (lock && others.empty()) write_test(*lock, result, o.program);
  return result;
}

}  // namespace temper
