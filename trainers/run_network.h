#pragma once
#include "trainers/experiment.h"
#include "trainers/run_folder.h"

namespace temper {

/// A run's trained network: `weights` is last (the newest complete checkpoint), best, ema or swa. Throws Error if the
/// run kept no such weights, or on another word.
std::unique_ptr<Network> load_run_network(Engine& engine, const Experiment& experiment, const RunFolder& folder,
                                          const std::string& weights, const DataShape& shape);

/// The first `limit` test images of an experiment; 0: all of them.
ImageSet test_images(const Experiment& experiment, int64_t limit);
inline DataShape shape_of(const ImageSet& set) { return {set.height, set.width, set.channels, set.classes}; }

}  // namespace temper
