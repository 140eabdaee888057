#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "trainers/optimizers/weight_optimizer.h"

namespace temper {

/// A network beside the one in training, such as a policy or a teacher, from a section of a method's own:
///   policy: {model: {name: small_cnn}, weights: FILE, optimizer: {name: sgd, lr: 0.0001}, every: 20}
/// A method lists it in fields(), makes it in begin(), names part() among its parts(), and calls descend() in
/// after_step() where due().
class Companion {
 public:
  /// What the section says where it is silent. `every` 0: nothing trains it.
  struct Defaults {
    std::string architecture = "small_cnn";
    int64_t every = 1;
  };
  Companion(std::string name, const Defaults& defaults) : name_(std::move(name)), defaults_(defaults) {}

  /// Reads the section NAME.
  void fields(Fields& f);
  /// Makes the network, for the images of the one in training, with so many outputs (0: as that one), from `weights` or
  /// initialised by the run's seed and this name.
  void begin(const TrainContext& context, int64_t outputs = 0);
  Network& network() const { return *network_; }
  MethodPart part();

  /// Whether it is to be trained after the step just made.
  bool due(const TrainContext& context) const { return every_ > 0 && (context.step + 1) % every_ == 0; }
  /// One step of its optimiser, at the section's rate, down the gradient of `loss`, which was computed on `tape` with
  /// network(). Waits for the device; throws Error if the gradient is not finite.
  void descend(const TrainContext& context, Tape& tape, const Var& loss);

 private:
  std::string name_, weights_;
  Defaults defaults_;
  std::unique_ptr<Architecture> architecture_;
  OptimizerSection section_;
  int64_t every_ = 0;
  std::unique_ptr<Network> network_;
  std::optional<ParamBuffer> gradient_;
  std::optional<WeightOptimizer> optimizer_;
};

}  // namespace temper
