#pragma once
#include <memory>
#include <string>
#include <vector>

#include "bench/peaks.h"
#include "bench/suite.h"
#include "core/plans/plan_ahead.h"
#include "trainers/loop/train_step.h"

namespace temper::bench {

/// The settings of one case of a training step.
struct StepSpec {
  std::string model, method, compute, batch, attack_steps;
  Device device = Device::cpu;
  int threads = 0;
  std::vector<std::string> set;
  Detail detail = Detail::full;
};

/// A training run that repeats its first batch. Attacks use the running BatchNorm statistics and take `attack_steps`
/// steps; everything else is the method's default unless `set` changes it.
class StepWork {
 public:
  explicit StepWork(const StepSpec& spec, RangeLog* ranges = nullptr);

  /// Runs one step and waits for the device.
  StepNumbers run();
  /// Facts about the steps so far: images, processor time, memory, use of a graph, choice of convolutions. Throws Error
  /// if a graph was requested and none was replayed.
  Json story();
  Engine& engine() { return state_.engine; }
  TrainingState& state() { return state_; }
  double cpu_seconds() const { return median(cpu_); }

 private:
  Experiment experiment_;
  TrainingState state_;
  PlansMade plans_;
  std::vector<double> cpu_;
};

/// Throws Error unless the first step on two images, with one step of attack, agrees with a reference: for a GPU the
/// same step on the CPU in f32, for the CPU in double precision. A configuration that passed is not checked again for
/// other batch sizes.
void check_step(StepSpec spec);

}  // namespace temper::bench
