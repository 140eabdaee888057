#pragma once
#include <memory>
#include <string>
#include <vector>

#include "bench/peaks.h"
#include "bench/suite.h"
#include "core/plans/plan_ahead.h"
#include "trainers/loop/train_step.h"

namespace temper::bench {

/// What one case of a step asks for.
struct StepSpec {
  std::string model, method, compute, batch, attack_steps;
  Device device = Device::cpu;
  int threads = 0;
  std::vector<std::string> set;
  Detail detail = Detail::full;
};

/// A run that never gets beyond its first batch. Attacks run on the running BatchNorm statistics and take
/// `attack_steps` steps; the rest are the method's defaults and what `set` says.
class StepWork {
 public:
  explicit StepWork(const StepSpec& spec, RangeLog* ranges = nullptr);

  /// One step, until the device is done.
  StepNumbers run();
  /// How the steps so far ran: images, processor time, memory, what became of the graph, how convolutions were chosen.
  /// Throws Error if a graph was asked for and the device repeated none.
  Json story();
  Engine& engine() { return state_.engine; }
  double cpu_seconds() const { return median(cpu_); }

 private:
  Experiment experiment_;
  TrainingState state_;
  PlansMade plans_;
  std::vector<double> cpu_;
};

/// Throws Error unless the first step on two images, with one step of attack, comes out as a reference has it: on a GPU
/// the same step on the CPU in f32, on the CPU in double precision. A configuration that was right is not run again,
/// whatever the batch that is timed.
void check_step(StepSpec spec);

}  // namespace temper::bench
