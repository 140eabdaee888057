#pragma once
#include <optional>
#include <string>
#include <utility>

#include "trainers/methods/parts/other_network.h"
#include "trainers/optimizers/schedule.h"
#include "trainers/optimizers/sgd.h"
#include "trainers/optimizers/weight_optimizer.h"

namespace TEMPER_API temper {

/// A second network of a method that is trained on its own, such as a policy, configured by a section:
///   policy: {model: {name: small_cnn}, weights: FILE, optimizer: {name: sgd, lr: 0.0001}, every: 20}
/// A method calls its fields() in fields(), check() in check() and begin() in begin(), returns part() among its
/// parts(), and calls descend() in after_step() when due().
class Companion {
 public:
  /// The defaults of the section. `every` 0: it is not trained. `clip`: limit on the norm of the gradient; 0: none.
  struct Defaults {
    std::string architecture = "small_cnn";
    int64_t every = 1;
    SgdOptions sgd = {};
    double clip = 0;
  };
  Companion(std::string name, const Defaults& defaults)
      : of_(std::move(name), defaults.architecture), defaults_(defaults) {}

  /// Reads the section NAME.
  void fields(Fields& f);
  /// Checks the section against the number of epochs of the run; `f` is the section above it.
  void check(const Fields& f, int64_t epochs) const;
  /// Makes the network (OtherNetwork::begin) and its optimiser.
  void begin(const TrainContext& context, int64_t outputs = 0);
  Network& network() const { return of_.network(); }
  MethodPart part();

  /// Whether to train it after the current step.
  bool due(const TrainContext& context) const { return every_ > 0 && (context.step + 1) % every_ == 0; }
  /// One step of its optimiser, at the learning rate and schedule of the section, on `loss`, which was computed on
  /// `tape` with network(). Waits for the device. Throws Error if the gradient or the new weights are not finite.
  void descend(const TrainContext& context, Tape& tape, const Var& loss);

 private:
  /// Throws Error unless `norm`, (1), is finite; `of` says of what it is.
  void check_norm(const TrainContext& context, const Tensor& norm, const char* of) const;

  OtherNetwork of_;
  std::string schedule_name_ = "constant";
  Defaults defaults_;
  OptimizerSection section_;
  std::unique_ptr<Schedule> schedule_;
  int64_t every_ = 0;
  std::optional<ParamBuffer> gradient_;
  std::optional<WeightOptimizer> optimizer_;
};

}  // namespace temper
