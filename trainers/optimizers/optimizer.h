#pragma once
// What every optimiser is: a rule by which a gradient moves weights. Groups of parameters, clipping, checkpoints and
// averages are the same for all of them (trainers/optimizers/weight_optimizer.h).
#include <span>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/registry.h"
#include "core/tensor.h"
#include "kernels/runtime/scalar_arg.h"
#include "kernels/sgd_step/sgd_step.h"

namespace temper {

/// A run of weights that are treated alike, and all that moves them. Arrays have one shape, (n), and one type, f32 or
/// f64; kernels read the live numbers where they run, because a GPU repeats the same launches at every step.
struct Update {
  Tensor weights, gradient;
  std::vector<Tensor> state;  ///< as Optimizer::state() names them
  ScalarArg<double> lr;
  double weight_decay;
  std::vector<ScalarArg<double>> numbers;        ///< as Optimizer::numbers() gives them
  ScalarArg<uint32_t> moves;                     ///< 0: nothing may change
  Tensor mask = {};                              ///< empty, unless handles_masks(): non-zero where the gradient counts
  MaskMode mask_mode = MaskMode::zero_gradient;  ///< what a zero in it means
};

/// What follows the weights of an Update once they have moved, of the same elements.
struct FusedCopies {
  Tensor average;  ///< <- keep * average + (1 - keep) * weights; empty: none
  ScalarArg<double> keep = 0;
  Tensor half;  ///< the weights, rounded to a 16-bit type; empty: none
};

/// A rule by which a gradient moves weights. It keeps nothing itself: what it needs from one step to the next is in
/// arrays that it names, and its fields stay as they were read.
class Optimizer {
 public:
  struct Defaults {
    double lr, weight_decay;
  };
  explicit Optimizer(Defaults defaults) : lr(defaults.lr), weight_decay(defaults.weight_decay) {}
  virtual ~Optimizer() = default;

  /// An override calls this one, which reads what follows.
  virtual void fields(Fields& f);
  double lr;            ///< before the schedule
  double weight_decay;  ///< before the factors of groups

  /// The names, in checkpoints, of the arrays it keeps beside the weights: zeros before the first step.
  virtual std::vector<std::string> state() const { return {}; }
  /// Numbers that differ from step to step, beside the learning rate; `step` counts from 1.
  virtual std::vector<double> numbers(int64_t /*step*/) const { return {}; }
  /// Moves weights and state. Launches kernels on `stream` and waits for nothing.
  virtual void update(Stream stream, const Update& u) const = 0;

  /// Whether update() looks at Update::mask; the methods that mask gradients ask for one that does.
  virtual bool handles_masks() const { return false; }
  /// update(), and the copies in the same pass, to the bit as one after the other; false: it cannot.
  virtual bool update_with(Stream /*stream*/, const Update& /*u*/, const FusedCopies& /*f*/) const { return false; }

 protected:
  /// Rejects a decay that would take weights beyond 0 in one step, where it acts as w <- (1 - lr * weight_decay) * w.
  void check_decay(const Fields& f) const;
};

}  // namespace temper
