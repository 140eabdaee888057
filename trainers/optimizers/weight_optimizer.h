#pragma once
#include <string>
#include <vector>

#include "core/params.h"
#include "kernels/clip_gradient/clip_gradient.h"
#include "kernels/runtime/device_array.h"
#include "trainers/optimizers/optimizer_section.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The exponential moving average that step() updates along with the weights: average <- keep * average + (1 - keep) *
/// w. `average` null: none.
struct EmaTarget {
  ParamBuffer* average = nullptr;
  ScalarArg<double> keep = 0;
};

/// params <- params + share * params, or nothing if `moves` is 0.
void add_share(Stream stream, ParamBuffer& params, ScalarArg<float> share, ScalarArg<uint32_t> moves = 1);

/// Whether a glob that matches no parameter is an Error.
enum class UnmatchedGlobs : uint8_t { refuse, ignore };

/// Applies an optimiser to the weights of a network: one update per contiguous range of parameters with the same
/// settings. There is one range unless there are groups, frozen parameters or parameters without weight decay. Frozen
/// parameters and their state do not change.
class WeightOptimizer {
 public:
  /// `params`, `rule` and the groups' schedules must outlive this. Throws Error if a parameter is in two groups.
  WeightOptimizer(ParamBuffer& params, const Optimizer& rule, Stream stream, const OptimizerOptions& options = {},
                  UnmatchedGlobs unmatched = UnmatchedGlobs::refuse);

  /// Copies to the device what the next step() reads there: the learning rate of every group, and the rule's numbers
  /// for the `step`-th update of these weights, from 1. To be called before captured work, not within it.
  void prepare(const Schedule& schedule, const Position& at, int64_t step);
  /// The same with one learning rate, before the factors of groups.
  void prepare(double lr, int64_t step = 1);
  /// The learning rate of each group; that of parameters without a group comes first.
  std::vector<double> rates(const Schedule& schedule, const Position& at) const;

  /// Clips a gradient (OptimizerOptions::clip) whose sum of squares is `square_sum` (1).
  void clip(Stream stream, ParamBuffer& gradient, const Tensor& square_sum) const;
  /// One update. Updates the target and the weights' 16-bit copy (ParamBuffer::half_copy), if there is one, too, in the
  /// same pass where the rule can; the bits do not depend on that. Frozen parameters are averaged like the others.
  /// Nothing changes if `moves` is 0.
  void step(Stream stream, const ParamBuffer& gradient, GradientMask mask = {}, EmaTarget target = {},
            ScalarArg<uint32_t> moves = 1);

  ParamBuffer& params() { return params_; }
  /// A state array of the rule. Throws Error if there is none of that name.
  ParamBuffer& state(const std::string& name);
  /// Visits these arrays as "PREFIX.NAME".
  void visit_state(StateVisitor& v, const std::string& prefix);

 private:
  struct Group {
    double lr_factor, weight_decay_factor;
    const Schedule* schedule;  ///< null: the run's
  };
  struct Range {
    int64_t from, count;
    size_t group;
    double weight_decay;
  };
  /// The group of every parameter.
  std::vector<size_t> grouped(const OptimizerOptions& options, UnmatchedGlobs unmatched);
  void divide(const std::vector<size_t>& group_of, const std::vector<bool>& exempt);
  void set(const std::vector<double>& rates, int64_t step);
  Update update(const Range& r, const ParamBuffer& gradient, const GradientMask& mask, ScalarArg<uint32_t> moves) const;

  ParamBuffer& params_;
  const Optimizer& rule_;
  Stream stream_;
  ClipLimits clip_;
  std::vector<Group> groups_;  ///< the first one is of parameters without a group
  std::vector<Range> ranges_, frozen_;
  std::vector<std::string> names_;  ///< of state_
  std::vector<ParamBuffer> state_;
  std::vector<double> now_;  ///< a rate for each group, then the rule's numbers; outlives the copy to live_
  DeviceArray<double> live_;
};

}  // namespace temper
