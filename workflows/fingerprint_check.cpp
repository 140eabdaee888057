#include "workflows/fingerprint_check.h"

#include "core/text.h"
#include "trainers/records/run_inputs.h"
#include "trainers/state/checkpoint.h"
#include "trainers/state/network_fingerprint.h"
#include "workflows/records/evaluation.h"

namespace temper {

const FingerprintCheck::Splits& FingerprintCheck::of(const Experiment& experiment) {
  ConfigNode section = experiment.resolved["data"];
  section.erase("validation");  // what is read does not depend on it
  const auto [at, added] = known_.try_emplace(section.yaml());
  const DatasetReader& reader = *experiment.data.reader;
  if (added) at->second = {.train = fingerprint(reader.train()), .test = fingerprint(reader.test())};
  return at->second;
}

void FingerprintCheck::check(const Experiment& experiment, const RunFolder& folder) {
  const Evaluation then = std::filesystem::exists(folder.evaluation()) ? read_evaluation(folder.evaluation())
                                                                       : Evaluation{.inputs = read_inputs(folder)};
  RunInputs inputs = then.inputs;
  inputs.validation = {};  // it follows from the training split and the configuration
  const Splits& now = of(experiment);
  std::vector<std::string> changed =
      differences(inputs, {.train = now.train, .weights = fingerprint_of_weights(experiment.model.weights)});
  if (!then.part)
    for (const std::string& d : differences(then.test, now.test)) changed.push_back("test images: " + d);
  if (const std::string& was = then.weights_fingerprint; !was.empty()) {
    const std::string is = network_fingerprint(load_checkpoint(folder).content);
    if (was != is) changed.push_back(cat("weights of the last checkpoint: ", was, " -> ", is));
  }
  TEMPER_CHECK(changed.empty(), folder.root.string(), ": this run was made with other data than there are now:\n  ",
               join(changed, "\n  "), "\nremove its folder to make it again, or choose another folder with --out");
}

}  // namespace temper
