#pragma once
// The interface of an optimiser: an update rule. Parameter groups, clipping, checkpoints and averages are the same for
// all optimisers (trainers/optimizers/weight_optimizer.h).
#include <span>
#include <string>
#include <vector>

#include "core/config/config.h"
#include "core/registry.h"
#include "core/tensor.h"
#include "kernels/runtime/scalar_arg.h"
#include "kernels/sgd_step/sgd_step.h"

namespace TEMPER_API temper {

/// The arguments of one update: a contiguous range of weights with the same settings. Arrays have one shape, (n), and
/// one type, f32 or f64. Kernels read each `ScalarArg` on the device, because a replayed step has the same launches
/// every time.
struct Update {
  Tensor weights, gradient;
  std::vector<Tensor> state;  ///< in the order of Optimizer::state()
  ScalarArg<double> lr;
  double weight_decay;
  std::vector<ScalarArg<double>> numbers;        ///< in the order of Optimizer::numbers()
  ScalarArg<uint32_t> moves;                     ///< 0: the step is skipped, nothing may change
  Tensor mask = {};                              ///< empty, unless handles_masks(): non-zero where the gradient counts
  MaskMode mask_mode = MaskMode::zero_gradient;  ///< what a zero in it means
};

/// Copies of the weights of an Update that may be brought up to date in the same pass, of the same elements.
struct FusedCopies {
  Tensor average;  ///< <- keep * average + (1 - keep) * weights; may be empty
  ScalarArg<double> keep = 0;
  Tensor half;  ///< <- weights, rounded to a 16-bit type; may be empty
};

/// An update rule: how a gradient moves weights. It is stateless: arrays that it needs from step to step are declared
/// by state() and passed to update(); its fields do not change after they were read.
class Optimizer {
 public:
  struct Defaults {
    double lr, weight_decay;
  };
  explicit Optimizer(Defaults defaults) : lr(defaults.lr), weight_decay(defaults.weight_decay) {}
  virtual ~Optimizer() = default;

  /// Reads lr and weight_decay. An override must call it.
  virtual void fields(Fields& f);
  double lr;            ///< before the schedule
  double weight_decay;  ///< before the factors of groups

  /// The names, in checkpoints, of its state arrays, such as the momentum. They start at zero.
  virtual std::vector<std::string> state() const { return {}; }
  /// Numbers that change from step to step, apart from the learning rate; `step` counts from 1.
  virtual std::vector<double> numbers(int64_t /*step*/) const { return {}; }
  /// Updates weights and state. Launches kernels on `stream` and does not wait for them.
  virtual void update(Stream stream, const Update& u) const = 0;

  /// Whether update() respects Update::mask. Methods that mask gradients require it.
  virtual bool handles_masks() const { return false; }
  /// update() and the copies in one pass, with the same bits as one after the other. Returns false, without an update,
  /// if the rule has no such kernel.
  virtual bool update_with(Stream /*stream*/, const Update& /*u*/, const FusedCopies& /*f*/) const { return false; }

 protected:
  /// For rules with w <- (1 - lr * weight_decay) * w: rejects a decay that would change the sign of weights in one
  /// step.
  void check_decay(const Fields& f) const;
};

}  // namespace temper
