#include "trainers/trainer.h"

#include "trainers/scalar.h"

namespace temper {

void Trainer::write_gradients(TrainContext& context, const Batch& batch, std::span<const GradientBuffer> grads,
                              const Tensor& loss) {
  Tape tape(context.engine, Wrt::params);
  const Var value = this->loss(tape, batch, context);
  tape.backward(value, grads);
  put_scalar(context.engine, value.value, loss);
}

double Trainer::gradients(TrainContext& context, const Batch& batch, std::span<const GradientBuffer> grads) {
  const Arena::Scope scope(context.engine.arena());
  const Tensor loss = context.engine.arena().tensor({1}, context.model.options().dtype);
  write_gradients(context, batch, grads, loss);
  return read_scalar(context.engine, loss);
}

}  // namespace temper
