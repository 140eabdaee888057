#pragma once
#include <functional>
#include <optional>

#include "attacks/pgd.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/optimizers/sgd.h"
#include "trainers/optimizers/weight_optimizer.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The `reward` section of LAS-AT and the reward itself (Jia et al. 2022, section 3.3): how hard the images of a
/// strategy are for the network f, and how good f becomes by learning from them,
///   R = min(loss, max_loss) + robust_weight accuracy(f', PGD(x)) + clean_weight accuracy(f', x),
/// where f' is f after one step of plain gradient descent, at f's learning rate and with its running statistics, which
/// the step moves. One number for a batch, without a baseline.
class StrategyReward {
 public:
  enum class JudgeStop : uint8_t { never, misclassified };
  struct Options {
    double max_loss = 10, robust_weight = 4, clean_weight = 2;
    double weight_decay = 5e-4;  ///< of the trial step
    AttackBn loss_bn = AttackBn::eval;
    AttackBn judge_bn = AttackBn::train;
    JudgeStop judge_stop = JudgeStop::never;
  };
  struct Reward {
    double loss, robust, clean, total;
  };
  /// A loss of the network in a pass, which may be with other weights.
  using LossIn = std::function<Var(Tape& tape, const Pass& pass)>;

  explicit StrategyReward(const Options& options) : options_(options) {}
  /// Reads the keys of the section `reward`, which the method has entered.
  void fields(Fields& f);
  const Attack& judge() const { return judge_; }
  void begin(const TrainContext& context);
  /// The reward for images that `loss` is computed of; f' descends `trial_loss`. Waits for the device.
  Reward of(const TrainContext& context, const Batch& batch, const LossIn& loss, const LossIn& trial_loss);

 private:
  /// Makes trial_ what f becomes.
  void try_step(const TrainContext& context, const LossIn& loss);
  Tensor judged(const TrainContext& context, const Batch& batch);

  Options options_;
  Pgd judge_{{.restarts = 2}};
  std::optional<Sgd> rule_;
  std::optional<Weights> trial_;
  std::optional<ParamBuffer> gradient_;
  std::optional<WeightOptimizer> optimizer_;
};

}  // namespace temper
