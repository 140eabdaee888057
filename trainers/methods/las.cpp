#include "trainers/methods/las.h"

#include "core/ops/elementwise.h"

namespace temper {

namespace {

Var sum_of(Tape& tape, const std::vector<std::pair<const char*, Var>>& terms) {
  Var sum = terms.front().second;
  for (size_t i = 1; i < terms.size(); ++i) sum = add(tape, sum, terms[i].second);
  return sum;
}

}  // namespace

void Las::begin(TrainContext& c) {
  strategy_.begin(c);
  reward_.begin(c);
}

Var Las::loss(Tape& tape, const Batch& batch, const TrainContext& c) {
  const Strategy::Choices choices = strategy_.act(tape, c, batch);
  const Tensor x_adv = c.once("attack", [&] {
    const Tensor found = find(c, batch, strategy_.plan(c.engine, choices), c.random("attack"));
    return to_train_with(c, batch, found);
  });
  const Terms all =
      terms(tape, c.model, {batch, x_adv, strategy_.betas(c.engine, choices)}, Use::training, Pass::train());
  for (const auto& [name, term] : all) c.log(name, term);
  return sum_of(tape, all);
}

// [policy]
void Las::after_step(TrainContext& c, const Batch& batch) {
  Companion& policy = strategy_.policy();
  if (!policy.due(c)) return;
  const Arena::Scope scope(c.engine.arena());
  Tape tape(c.engine, Wrt::params);
  const Var outputs = policy.network()(tape, tape.input(batch.images), Pass::train());
  const Strategy::Choices choices = strategy_.draw(tape, c, outputs, batch);
  const Tensor found = find(c, batch, strategy_.plan(c.engine, choices), c.random("learning attack"));
  const Attacked attacked{batch, found, strategy_.betas(c.engine, choices)};
  const auto loss = [&](Use use) {
    return [&, use](Tape& on, const Pass& pass) { return sum_of(on, terms(on, c.model, attacked, use, pass)); };
  };
  const StrategyReward::Reward reward = reward_.of(c, batch, loss(Use::reward), loss(Use::trial));
  const Var minus_log = strategy_.minus_log_likelihood(tape, outputs, choices);
  policy.descend(c, tape, scale(tape, minus_log, static_cast<float>(reward.total)));
  c.log("reward", reward.total);
  c.log("reward_loss", reward.loss);
  c.log("reward_robust", reward.robust);
  c.log("reward_clean", reward.clean);
}
// [policy]

}  // namespace temper
