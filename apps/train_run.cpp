#include "apps/train_run.h"

#include <filesystem>

#include "core/file.h"
#include "core/text.h"
#include "evaluation/report_parts.h"
#include "trainers/checkpoint.h"
#include "trainers/config_diff.h"
#include "trainers/network_fingerprint.h"
#include "trainers/resume.h"
#include "trainers/signals.h"

namespace temper {

bool is_complete(const Experiment& experiment, const RunFolder& folder) {
  if (!std::filesystem::exists(folder.evaluation()) || !std::filesystem::exists(folder.config())) return false;
  const std::vector<char> text = read_file(folder.config().string());
  const std::string before = with_every_key({text.begin(), text.end()}, folder.config().string());
  return config_differences(before, YAML::Dump(experiment.resolved), Keys::all).empty();
}

const DataPrints::Prints& DataPrints::of(const Experiment& experiment) {
  YAML::Node section = YAML::Clone(experiment.resolved["data"]);
  section.remove("validation");  // what is read does not depend on it
  const auto [at, added] = known_.try_emplace(YAML::Dump(section));
  const DatasetReader& reader = *experiment.data.reader;
  if (added) at->second = {.train = fingerprint(reader.train()), .test = fingerprint(reader.test())};
  return at->second;
}

void DataPrints::check(const Experiment& experiment, const RunFolder& folder) {
  const bool tested = std::filesystem::exists(folder.evaluation());
  const nlohmann::json record = read_json(tested ? folder.evaluation() : folder.inputs());
  RunInputs then = run_inputs(record);
  then.validation = {};  // it follows from the training split and the configuration
  const Prints& now = of(experiment);
  std::vector<std::string> changed =
      differences(then, {.train = now.train, .weights = fingerprint_of_weights(experiment.model.weights)});
  if (record.contains("test") && !record.contains("sample"))
    for (const std::string& d : differences(set_fingerprint(record["test"]), now.test))
      changed.push_back("test images: " + d);
  if (record.contains("weights_fingerprint")) {
    const std::string was = record["weights_fingerprint"], is = network_fingerprint(load_checkpoint(folder).content);
    if (was != is) changed.push_back(cat("weights of the last checkpoint: ", was, " -> ", is));
  }
  TEMPER_CHECK(changed.empty(), folder.root.string(), ": this run was made with other data than there are now:\n  ",
               join(changed, "\n  "), "\nremove its folder to make it again, or choose another folder with --out");
}

std::optional<Results> train_run(Experiment& experiment, const RunFolder& folder, Resume resume,
                                 ConsoleObserver& observer, const std::string& program) {
  const SignalGuard signals;
  const TrainResult trained = run_training(experiment, folder, observer, resume);
  if (trained.outcome == Outcome::interrupted) return {};
  observer.line("trained in " + report::duration(trained.train_seconds) + "; now the test images, once");
  try {
    Results results = measure_run(experiment, folder, "last", observer);
    write_run_results(folder, results, program, &trained);
    observer.clear();
    return results;
  } catch (const Interrupted&) {
    return {};
  }
}

}  // namespace temper
