#pragma once
#include "data/split.h"
#include "trainers/experiment.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// A run's trained network. `weights` is last (the last checkpoint; the previous one does not replace it), best, ema or
/// swa. Throws Error if the run has no such weights, or for any other word.
std::unique_ptr<Network> load_run_network(Engine& engine, const Experiment& experiment, const RunFolder& folder,
                                          const std::string& weights, const DataShape& shape);

/// A stratified sample of the test images.
struct TestSample {
  int64_t count = 0;  ///< images; 0, or as many as there are: all of them
  uint64_t seed = 0;  ///< of the draw. It is not the run's seed, so all runs have the same sample
};
struct TestImages {
  ImageSet images;
  std::optional<SetPart> part = {};  ///< empty: the whole test split
};
TestImages test_images(const Experiment& experiment, TestSample sample = {});
inline DataShape shape_of(const ImageSet& set) { return {set.height, set.width, set.channels, set.classes}; }

}  // namespace temper
