#include "workflows/run_test.h"

#include "core/environment/cpus.h"
#include "core/files/file.h"
#include "core/text.h"
#include "trainers/state/network_fingerprint.h"
#include "workflows/report/files.h"
#include "workflows/report/page.h"

namespace temper {

namespace {

Results measure_network(Engine& engine, Network& network, const Experiment& e, const TestImages& tested,
                        Observer& observer) {
  const ImageSet& test = tested.images;
  for (const std::string& note : test.notes) observer.on_warning(note);
  for (const std::string& note : network.notes()) observer.on_warning(note);
  if (const std::string note = note_on_threads(e.threads); !note.empty()) observer.on_warning(note);
  Results r{.method = e.trainer.name,
            .model = e.model.name,
            .data = e.data.name,
            .device = name(engine.device()),
            .weights_fingerprint = network_fingerprint(network),
            .precision = name(e.precision),
            .mean = e.model.mean,
            .std = e.model.std,
            .images_test = test.size(),
            .test = fingerprint(test),
            .part = tested.part,
            .rows = evaluate_test(engine, network, e, test, observer)};
  if (!e.evaluation.attacks.empty()) {
    const Pass pass = Pass::eval(e.trainer.method->eval_branch(network));
    r.example_attack = e.evaluation.attacks.front().label;
    r.examples = attack_examples(engine, network, pass, test, *e.evaluation.attacks.front().attack);
  }
  return r;
}

}  // namespace

Results measure(Experiment& experiment, Observer& observer, TestSample sample) {
  const TestImages test = test_images(experiment, sample);
  Engine engine(experiment.engine_options());
  const std::unique_ptr<Network> network = make_network(engine, experiment, shape_of(test.images));
  Results r = measure_network(engine, *network, experiment, test, observer);
  r.weights = experiment.model.weights.empty() ? "untrained" : experiment.model.weights;
  return r;
}

Results measure_run(Experiment& experiment, const RunFolder& folder, const std::string& weights, Observer& observer,
                    TestSample sample) {
  const TestImages test = test_images(experiment, sample);
  Engine engine(experiment.engine_options());
  const std::unique_ptr<Network> network = load_run_network(engine, experiment, folder, weights, shape_of(test.images));
  Results r = measure_network(engine, *network, experiment, test, observer);
  r.weights = weights + " weights";
  return r;
}

void write_run_results(const RunLock& lock, const Results& results, const std::string& program,
                       const TrainResult* end) {
  const RunFolder& folder = lock.folder();
  nlohmann::ordered_json j = results_json(results);
  if (end) {
    j["outcome"] = end->end.outcome;
    j["epochs"] = end->end.epochs;
    j["best_epoch"] = end->end.best_epoch;
    j["images_train"] = end->images_train;
    j["images_validation"] = end->images_validation;
    j["train_seconds"] = end->train_seconds;
  } else {
    const nlohmann::ordered_json before = read_run_json(folder.evaluation());
    for (const char* key : {"outcome", "epochs", "best_epoch", "images_train", "images_validation", "train_seconds"})
      if (before.contains(key)) j[key] = before[key];
  }
  const nlohmann::ordered_json inputs = read_run_json(folder.inputs());
  for (const auto& [key, value] : inputs.items()) j[key] = value;
  const std::string root = folder.root.string();
  j["command"] = quoted(program) + " train " + quoted((folder.config()).string()) + " --out " + quoted(root + "-again");
  lock.check_in_place();
  write_text_atomically(folder.examples().string(), json_text(examples_json(results)));
  write_text_atomically(folder.report().string(), run_page(read_run(folder.root, j)));
  write_text_atomically(folder.evaluation().string(), json_text(j));
  lock.check_in_place();
}

}  // namespace temper
