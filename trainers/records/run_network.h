#pragma once
#include "data/split.h"
#include "trainers/experiment.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// A run's trained network: `weights` is last (the last checkpoint, never the one before in its place), best, ema or
/// swa. Throws Error if the run kept no such weights, or on another word.
std::unique_ptr<Network> load_run_network(Engine& engine, const Experiment& experiment, const RunFolder& folder,
                                          const std::string& weights, const DataShape& shape);

/// The test images of an experiment, or a part of them that is drawn over the classes.
struct TestSample {
  int64_t count = 0;  ///< images; 0, or as many as there are: all of them
  uint64_t seed = 0;  ///< what the part is drawn with; not the run's own seed: one part for all runs
};
struct TestImages {
  ImageSet images;
  std::optional<SetPart> part = {};  ///< none: the whole test split
};
TestImages test_images(const Experiment& experiment, TestSample sample = {});
inline DataShape shape_of(const ImageSet& set) { return {set.height, set.width, set.channels, set.classes}; }

}  // namespace temper
