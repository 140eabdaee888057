#include "apps/data_prints.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "core/text.h"
#include "evaluation/report/files.h"
#include "trainers/records/run_inputs_json.h"
#include "trainers/state/checkpoint.h"
#include "trainers/state/network_fingerprint.h"

namespace temper {

const DataPrints::Prints& DataPrints::of(const Experiment& experiment) {
  ConfigNode section = experiment.resolved["data"];
  section.erase("validation");  // what is read does not depend on it
  const auto [at, added] = known_.try_emplace(section.yaml());
  const DatasetReader& reader = *experiment.data.reader;
  if (added) at->second = {.train = fingerprint(reader.train()), .test = fingerprint(reader.test())};
  return at->second;
}

void DataPrints::check(const Experiment& experiment, const RunFolder& folder) {
  const bool tested = std::filesystem::exists(folder.evaluation());
  const nlohmann::json record = read_run_json(tested ? folder.evaluation() : folder.inputs());
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

}  // namespace temper
