#include "trainers/records/run_network.h"

#include <map>

#include "core/files/folders.h"
#include "nn/weights.h"
#include "trainers/state/checkpoint.h"

namespace temper {

std::unique_ptr<Network> load_run_network(Engine& engine, const Experiment& experiment, const RunFolder& folder,
                                          const std::string& weights, const DataShape& shape) {
  auto network = std::make_unique<Network>(engine, *experiment.model.architecture, experiment.network_options(shape));
  if (weights == "last") {
    load_network(*network, folder.last().string());  // never the previous one
    return network;
  }
  const std::map<std::string, std::filesystem::path> files = {
      {"best", folder.best()}, {"ema", folder.ema()}, {"swa", folder.swa()}};
  const auto chosen = files.find(weights);
  TEMPER_CHECK(chosen != files.end(), "expected weights last, best, ema or swa of a run folder, got '", weights, "'",
               did_you_mean(weights, {"last", "best", "ema", "swa"}));
  TEMPER_CHECK(is_there(chosen->second), chosen->second.string(), ": not found; this run kept no '", weights,
               "' weights");
  load_weights(*network, chosen->second.string());
  return network;
}

TestImages test_images(const Experiment& experiment, TestSample sample) {
  ImageSet all = experiment.data.reader->test();
  const int64_t of = all.size();
  if (sample.count <= 0 || sample.count >= of) return {std::move(all)};
  return {stratified_sample(all, sample.count, sample.seed), SetPart{.of = of, .seed = sample.seed}};
}

}  // namespace temper
