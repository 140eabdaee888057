#include "trainers/trainer.h"

#include <algorithm>

#include "core/text.h"
#include "trainers/methods/parts/scalar.h"

namespace temper {

namespace {

/// The stream of this name is the one that attacks drew from before streams had names.
constexpr const char* kFirstStream = "attack";

}  // namespace

void TrainContext::begin_step() const {
  asked_random.clear();
  if (logged) logged->open();
}

RngStream TrainContext::random(const std::string& name) const {
  TEMPER_CHECK(std::find(asked_random.begin(), asked_random.end(), name) == asked_random.end(),
               "random: this step has asked for the random numbers '", name,
               "' before, and would draw the same again; give each attack and each draw of a step its own name");
  asked_random.push_back(name);
  const RngStream first(engine.seed(), live_epoch ? *live_epoch : static_cast<uint32_t>(epoch.unwatched()));
  return name == kFirstStream ? first : first.derive(name);
}

Tensor TrainContext::once(const std::string& name, const std::function<Tensor()>& make) const {
  return kept ? kept->once(name, make) : make();
}

ScalarArg<float> TrainContext::live(const std::string& name) const {
  const auto at = lives.find(name);
  if (at != lives.end()) return at->second;
  std::vector<std::string> known;
  for (const auto& [other, value] : lives) known.push_back(other);
  fail("live: expected a name that the method's live_values() put for this step, got '", name, "'",
       did_you_mean(name, known), known.empty() ? "; it put none" : cat(" (known: ", join(known), ")"));
}

void Trainer::write_gradients(TrainContext& context, const Batch& batch, std::span<const GradientBuffer> grads,
                              const Tensor& loss) {
  Tape tape(context.engine, Wrt::params);
  const Var value = this->loss(tape, batch, context);
  tape.backward(value, grads);
  put_scalar(context.engine, value.value, loss);
}

double Trainer::gradients(TrainContext& context, const Batch& batch, std::span<const GradientBuffer> grads) {
  context.begin_step();
  const Arena::Scope scope(context.engine.arena());
  const Tensor loss = context.engine.arena().tensor({1}, context.model.options().dtype);
  live_values([&](const std::string& name, double value) { context.lives[name] = static_cast<float>(value); }, context);
  write_gradients(context, batch, grads, loss);
  return read_scalar(context.engine, loss);
}

}  // namespace temper
