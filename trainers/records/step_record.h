#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/files/safetensors.h"
#include "trainers/experiment.h"

namespace temper {

/// The results of the first steps of an experiment, for comparison with another device, machine or build.
struct StepRecord {
  using Values = std::vector<float>;

  std::string label;
  std::string experiment;  ///< the resolved configuration (YAML)
  std::string inputs;      ///< fingerprints of the inputs (trainers/records/run_inputs.h), as JSON; empty: unknown
  int64_t steps = 0;
  std::map<std::string, std::vector<double>> numbers;  ///< "loss", "gradient" (its norm), the method's own; per step
  /// Per step the adversarial images of its batch, all steps one after the other; zeros in a step without an attack.
  /// Empty: no step had one.
  Values images;
  Values weights;        ///< at the end: the network's, then those of parts that are trained with it
  Values statistics;     ///< at the end: BatchNorm's
  double moved = 0;      ///< the L2 distance from the weights at the start
  int64_t launched = 0;  ///< replayed steps (core/graph/step_graph.h); not stored in files
};

/// The L2 distance between vectors of one length.
double l2_distance(const StepRecord::Values& a, const StepRecord::Values& b);

/// Trains the first `steps` steps of the first epoch; nothing is validated or written. Throws Error where the epoch has
/// fewer whole batches, and as train_step() does.
StepRecord record_steps(const std::string& label, Experiment& experiment, int64_t steps,
                        const std::function<void(int64_t done)>& progress = {});

/// To and from the arrays of an .npz file (core/files/npz.h), named LABEL/CONTENT. `where` begins error messages.
std::vector<NamedArray> to_arrays(const std::vector<StepRecord>& records);
std::vector<StepRecord> to_records(const std::vector<NamedArray>& arrays, const std::string& where);

}  // namespace temper
