#include "apps/evaluate_run.h"

#include "core/cpus.h"
#include "core/file.h"
#include "evaluation/report_page.h"
#include "trainers/run_network.h"

namespace temper {

namespace {

Results measure_network(Engine& engine, const Network& network, const Experiment& e, const ImageSet& test,
                        Observer& observer) {
  if (const std::string note = note_on_threads(e.threads); !note.empty()) observer.on_warning(note);
  Results r{.method = e.trainer.name,
            .model = e.model.name,
            .data = e.data.name,
            .device = name(engine.device()),
            .images_test = test.size(),
            .rows = evaluate_test(engine, network, e, test, observer)};
  if (!e.evaluation.attacks.empty()) {
    const Pass pass = Pass::eval(e.trainer.method->eval_branch(network));
    r.example_attack = e.evaluation.attacks.front().label;
    r.examples = attack_examples(engine, network, pass, test, *e.evaluation.attacks.front().attack);
  }
  return r;
}

nlohmann::ordered_json read_json(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return nlohmann::ordered_json::object();
  const std::vector<char> text = read_file(file.string());
  return nlohmann::ordered_json::parse(text.begin(), text.end());
}

// A path as a shell takes it.
std::string quoted(const std::string& text) {
  const bool plain = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=") ==
                     std::string::npos;
  if (plain && !text.empty()) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

Results measure(Experiment& experiment, Observer& observer, int64_t limit) {
  const ImageSet test = test_images(experiment, limit);
  Engine engine(experiment.engine_options());
  const std::unique_ptr<Network> network = make_network(engine, experiment, shape_of(test));
  Results r = measure_network(engine, *network, experiment, test, observer);
  r.weights = experiment.model.weights.empty() ? "untrained" : experiment.model.weights;
  return r;
}

Results measure_run(Experiment& experiment, const RunFolder& folder, const std::string& weights, Observer& observer,
                    int64_t limit) {
  const ImageSet test = test_images(experiment, limit);
  Engine engine(experiment.engine_options());
  const std::unique_ptr<Network> network = load_run_network(engine, experiment, folder, weights, shape_of(test));
  Results r = measure_network(engine, *network, experiment, test, observer);
  r.weights = weights + " weights";
  return r;
}

void write_run_results(const RunFolder& folder, const Results& results, const std::string& program,
                       const TrainResult* end) {
  nlohmann::ordered_json j = results_json(results);
  if (end) {
    j["outcome"] = end->end.outcome;
    j["epochs"] = end->end.epochs;
    j["best_epoch"] = end->end.best_epoch;
    j["images_train"] = end->images_train;
    j["images_validation"] = end->images_validation;
    j["train_seconds"] = end->train_seconds;
  } else {
    const nlohmann::ordered_json before = read_json(folder.evaluation());
    for (const char* key : {"outcome", "epochs", "best_epoch", "images_train", "images_validation", "train_seconds"})
      if (before.contains(key)) j[key] = before[key];
  }
  const std::string root = folder.root.string();
  j["command"] = quoted(program) + " train " + quoted((folder.config()).string()) + " --out " + quoted(root + "-again");
  write_text((folder.root / "examples.json").string(), examples_json(results).dump() + "\n");
  write_text(folder.evaluation().string(), j.dump(2) + "\n");
  write_text(folder.report().string(), run_page(read_run(folder.root)));
}

}  // namespace temper
