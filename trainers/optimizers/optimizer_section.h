#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kernels/clip_gradient/clip_gradient.h"
#include "trainers/optimizers/optimizer.h"
#include "trainers/optimizers/schedule.h"

namespace temper {

/// Limits of a gradient (kernels/clip_gradient): first of its norm over all parameters, then of every number; 0: none.
struct GradientClip : ClipLimits {
  void fields(Fields& f);
};

/// Parameters that are treated in a way of their own.
struct ParameterGroup {
  std::vector<std::string> parameters;  ///< globs
  double lr_factor = 1, weight_decay_factor = 1;
  std::string schedule_name = "constant";
  std::unique_ptr<Schedule> schedule;  ///< null: the run's
  void fields(Fields& f);
};

/// What goes with every optimiser.
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
  /// Reads the section `key` of `parent`.
  void read(Fields& parent, const char* key = "optimizer");
  /// Holds what was read against a run of so many epochs; `f` is the section again.
  void check(const Fields& f, int64_t epochs) const;
};

}  // namespace temper
