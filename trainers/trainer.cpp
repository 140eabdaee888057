#include "trainers/trainer.h"

#include <algorithm>

#include "trainers/scalar.h"

namespace temper {

namespace {

/// The stream of this name is the one that attacks drew from before streams had names.
constexpr const char* kFirstStream = "attack";

}  // namespace

RngStream TrainContext::random(const std::string& name) const {
  TEMPER_CHECK(std::find(asked_random.begin(), asked_random.end(), name) == asked_random.end(),
               "random: this step has asked for the random numbers '", name,
               "' before, and would draw the same again; give each attack or draw of a step a name of its own");
  asked_random.push_back(name);
  const RngStream first(engine.seed(), live_epoch.value_or(static_cast<uint32_t>(epoch)));
  return name == kFirstStream ? first : first.derive(name);
}

void Trainer::write_gradients(TrainContext& context, const Batch& batch, std::span<Flat* const> grads,
                              const Tensor& loss) {
  Tape tape(context.engine, Wrt::params);
  const Var value = this->loss(tape, batch, context);
  tape.backward(value, grads);
  put_scalar(context.engine, value.value, loss);
}

double Trainer::gradients(TrainContext& context, const Batch& batch, std::span<Flat* const> grads) {
  context.begin_step();
  const Arena::Scope scope(context.engine.arena());
  const Tensor loss = context.engine.arena().tensor({1}, context.model.options().dtype);
  write_gradients(context, batch, grads, loss);
  return read_scalar(context.engine, loss);
}

}  // namespace temper
