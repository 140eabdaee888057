#include "trainers/methods/parts/strategy_reward.h"

#include <algorithm>

#include "core/ops/loss.h"
#include "trainers/methods/parts/scalar.h"

namespace temper {

void StrategyReward::fields(Fields& f) {
  const auto bn = [&](const char* key, AttackBn& value, const char* doc) {
    f.choice(key, value,
             {{"eval", AttackBn::eval}, {"train", AttackBn::train}, {"train_no_update", AttackBn::train_no_update}},
             doc);
  };
  f("max_loss", options_.max_loss, Limits::above(0).usually(1, 100), "limit on the loss in the reward");
  f("robust_weight", options_.robust_weight, Limits::at_least(0).usually(0, 100),
    "weight of the accuracy under the judge after the trial step");
  f("clean_weight", options_.clean_weight, Limits::at_least(0).usually(0, 100),
    "weight of the accuracy on clean images after the trial step");
  f("weight_decay", options_.weight_decay, Limits::at_least(0).below(1).usually(0, 0.1), "of the trial step");
  bn("loss_bn", options_.loss_bn,
     "BatchNorm of the loss in the reward: running statistics; batch statistics, as in LAS-TRADES' code; untracked ones");
  bn("judge_bn", options_.judge_bn,
     "BatchNorm inside the judge's attack, of the network after the trial step: train, as in the code, where the attack "
     "moves that network's statistics");
  f.choice("judge_stop", options_.judge_stop,
           {{"never", JudgeStop::never}, {"misclassified", JudgeStop::misclassified}},
           "misclassified: images that the judge has fooled stay as they are, as in the code of LAS-AT and LAS-TRADES");
  f.section("judge", judge_);
}

void StrategyReward::begin(const TrainContext& c) {
  const Stream stream = c.engine.stream();
  rule_.emplace(SgdOptions{.momentum = 0, .weight_decay = options_.weight_decay});
  trial_.emplace(c.model.make_weights(c.engine));
  gradient_.emplace(trial_->params.layout(), trial_->params.dtype(), stream);
  optimizer_.emplace(trial_->params, *rule_, stream);
}

StrategyReward::Reward StrategyReward::of(const TrainContext& c, const Batch& batch, const LossIn& loss,
                                          const LossIn& trial_loss) {
  Tape tape(c.engine, Wrt::nothing);
  const double before = read_scalar(c.engine, loss(tape, attack_pass(options_.loss_bn)).value);
  try_step(c, trial_loss);
  const Tensor x_judge = judged(c, batch);
  const auto accuracy = [&](const Tensor& images) {
    Pass pass = Pass::eval();
    pass.weights = &*trial_;
    return static_cast<double>(count_correct(c.engine, c.model.predict(c.engine, images, pass), batch.labels)) /
           static_cast<double>(batch.size());
  };
  Reward r{.loss = std::min(before, options_.max_loss),
           .robust = accuracy(x_judge),
           .clean = accuracy(batch.images),
           .total = 0};
  r.total = r.loss + options_.robust_weight * r.robust + options_.clean_weight * r.clean;
  return r;
}

void StrategyReward::try_step(const TrainContext& c, const LossIn& loss) {
  c.model.copy_weights(*trial_, c.model.weights());
  Tape tape(c.engine, Wrt::params);
  Pass pass = Pass::train();
  pass.weights = &*trial_;
  tape.backward(loss(tape, pass), *gradient_);
  optimizer_->prepare(c.lr);
  optimizer_->step(c.engine.stream(), *gradient_);
}

Tensor StrategyReward::judged(const TrainContext& c, const Batch& batch) {
  Pass pass = attack_pass(options_.judge_bn);
  pass.weights = &*trial_;
  const Classifier classifier(c.model, pass);
  AttackDrive how = judge_.drives();
  if (options_.judge_stop == JudgeStop::misclassified) how.patience = 0;
  return drive({c.engine, batch, classifier, c.random("judge")}, judge_.objective(classifier), how,
               [&](const AttackCall& part, const BatchRows& of) { return judge_.policy(part, of); })
      .images;
}

}  // namespace temper
