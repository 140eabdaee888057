#pragma once
// What a run takes, before it is made: passes, arithmetic, memory.
#include <string>
#include <vector>

#include "workflows/step_count.h"

namespace TEMPER_API temper {

/// Epochs whose steps cost the same, and what a training image costs in them.
struct CostStage {
  int64_t first = 1, last = 1;
  Arithmetic per_image;
};

/// One measurement on validation or test images.
struct CostOfEvaluation {
  std::string what;
  int64_t images = 0;
  int64_t times = 1;  ///< in the run
  Arithmetic per_image;
};

/// The cost of a run, counted by StepCounter.
struct RunCost {
  NetworkPasses passes;
  DataSize data;
  int64_t images = 0;  ///< that an epoch trains on
  int64_t steps_per_epoch = 0;
  std::vector<CostStage> stages;
  std::vector<CostOfEvaluation> evaluations;
  int64_t parameters = 0;  ///< of the network
  double disk_bytes = 0;   ///< the most that the run's folder takes
  double step_bytes = 0;   ///< what a step of the whole batch needs beside the weights, planned for this CPU

  Arithmetic training() const;
  Arithmetic evaluation() const;
  double total() const { return training().total() + evaluation().total(); }
};

/// Throws Error where the experiment cannot be made. Images are read only where their number is not known otherwise;
/// starting weights are not read.
RunCost cost_of(const Experiment& experiment);

/// Training images per second: the median of whole steps of the experiment in its first epoch, on its device, with
/// random images, after steps that are not counted. Takes some seconds, or three steps where these take longer.
double measured_rate(const Experiment& experiment);

}  // namespace temper
