#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kernels/clip_gradient/clip_gradient.h"
#include "trainers/optimizers/optimizer.h"
#include "trainers/optimizers/schedule.h"
#include "trainers/optimizers/sgd.h"

namespace TEMPER_API temper {

/// Gradient clipping (kernels/clip_gradient): first the norm over all parameters, then every element. 0: no limit.
struct GradientClip : ClipLimits {
  void fields(Fields& f);
};

/// A group of parameters with its own factors and, optionally, its own schedule.
struct ParameterGroup {
  std::vector<std::string> parameters;  ///< globs
  double lr_factor = 1, weight_decay_factor = 1;
  std::string schedule_name = "constant";
  std::unique_ptr<Schedule> schedule;  ///< null: the run's
  void fields(Fields& f);
};

/// Options that every optimiser has.
struct OptimizerOptions {
  std::vector<std::string> no_decay = {};  ///< globs of parameters without weight decay
  GradientClip clip = {};
  std::vector<ParameterGroup> groups = {};
  void fields(Fields& f);
};

/// An `optimizer` section: the run's own, or that of weights trained beside the network.
struct OptimizerSection {
  std::string name = "sgd";
  std::unique_ptr<Optimizer> rule;
  OptimizerOptions options;
  /// Reads the section `key` of `parent`; `sgd` are the defaults if it names sgd.
  void read(Fields& parent, const char* key = "optimizer", const SgdOptions& sgd = {});
  /// Checks the section against the number of epochs of the run; `f` is the section again, for messages with a
  /// position.
  void check(const Fields& f, int64_t epochs) const;
};

}  // namespace temper
