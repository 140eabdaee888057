#pragma once
#include <utility>
#include <vector>

#include "trainers/methods/parts/strategy.h"
#include "trainers/methods/parts/strategy_reward.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// What the methods of Jia et al. 2022 ("LAS-AT: Adversarial Training with Learnable Attack Strategy") share. In every
/// step a strategy network draws the attack of each image, and the network learns from what this attack finds. After
/// every so many steps the strategy network draws again, and learns by REINFORCE:
///   grad of  -R sum over the lists of mean log P(choice),     R = StrategyReward of the images found.
class Las : public Trainer {
 public:
  void check(const Fields& f, int64_t epochs) const override { strategy_.check(f, epochs); }
  std::vector<const Attack*> attacks() const override { return {&attack(), &reward_.judge()}; }
  void begin(TrainContext& context) override;
  std::vector<MethodPart> parts() override { return {strategy_.policy().part()}; }
  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override;
  void after_step(TrainContext& context, const Batch& batch) override;

 protected:
  /// A batch with its adversarial images, and the weights of their KL terms if the strategy chooses these.
  struct Attacked {
    const Batch& batch;
    Tensor images, betas;
  };
  /// Which loss: the one that trains the network, the one in the reward, or the one of the reward's trial step.
  enum class Use : uint8_t { training, reward, trial };
  /// The terms whose sum is the loss, by the names they are logged under.
  using Terms = std::vector<std::pair<const char*, Var>>;

  Las(StrategyLists lists, const Companion::Defaults& policy, const StrategyReward::Options& reward)
      : strategy_(std::move(lists), policy), reward_(reward) {}

  virtual const Pgd& attack() const = 0;
  /// The images that the attack finds with a plan.
  virtual Tensor find(const TrainContext& context, const Batch& batch, const PgdPlan& plan,
                      const RngStream& random) const = 0;
  /// The images to train with, from those that were found.
  virtual Tensor to_train_with(const TrainContext&, const Batch&, const Tensor& found) const { return found; }
  virtual Terms terms(Tape& tape, const Network& model, const Attacked& attacked, Use use, const Pass& pass) const = 0;

  Strategy strategy_;
  StrategyReward reward_;
};

}  // namespace temper
