#pragma once
#include <string>
#include <vector>

#include "core/params.h"
#include "kernels/clip_gradient/clip_gradient.h"
#include "kernels/runtime/device_array.h"
#include "trainers/optimizers/optimizer_section.h"
#include "trainers/trainer.h"

namespace temper {

/// An exponential average that follows the weights: average <- keep * average + (1 - keep) * w. None: nobody follows.
struct EmaTarget {
  ParamBuffer* average = nullptr;
  ScalarArg<double> keep = 0;
};

/// params <- params + share * params. Nothing happens where `moves` is 0.
void add_share(Stream stream, ParamBuffer& params, ScalarArg<float> share, ScalarArg<uint32_t> moves = 1);

/// Whether a glob that matches no parameter is an Error.
enum class UnmatchedGlobs : uint8_t { refuse, ignore };

/// Weights under an optimiser: one update for every run of parameters that are treated alike, which is one unless there
/// are groups, or parameters that are frozen or exempt from weight decay. What is frozen does not move, nor does its
/// state.
class WeightOptimizer {
 public:
  /// `params`, `rule` and the groups' schedules must outlive this. Throws Error if a parameter is in two groups.
  WeightOptimizer(ParamBuffer& params, const Optimizer& rule, Stream stream, const OptimizerOptions& options = {},
                  UnmatchedGlobs unmatched = UnmatchedGlobs::refuse);

  /// What the next step() finds on its device: every group's learning rate, and the rule's numbers at the `step`-th
  /// update of these weights, from 1. Before work that a GPU repeats, not in it.
  void prepare(const Schedule& schedule, const Position& at, int64_t step);
  /// The same with one learning rate, before the factors of groups.
  void prepare(double lr, int64_t step = 1);
  /// The learning rate of each group, that of all other parameters first.
  std::vector<double> rates(const Schedule& schedule, const Position& at) const;

  /// Limits a gradient (OptimizerOptions::clip) whose sum of squares is `square_sum` (1).
  void clip(Stream stream, ParamBuffer& gradient, const Tensor& square_sum) const;
  /// One update. The target moves with the weights, and so does their 16-bit copy (ParamBuffer::half_copy) if there
  /// is one: the bits are those of one after the other. What is frozen is averaged, too. Weights and state stay where
  /// `moves` is 0.
  void step(Stream stream, const ParamBuffer& gradient, GradientMask mask = {}, EmaTarget target = {},
            ScalarArg<uint32_t> moves = 1);

  ParamBuffer& params() { return params_; }
  /// One of the arrays that the rule keeps. Throws Error if it has none of that name.
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
  std::vector<Group> groups_;  ///< that of all other parameters first
  std::vector<Range> ranges_, frozen_;
  std::vector<std::string> names_;  ///< of state_
  std::vector<ParamBuffer> state_;
  std::vector<double> now_;  ///< a rate for each group, then the rule's numbers; outlives the copy to live_
  DeviceArray<double> live_;
};

}  // namespace temper
