#include "trainers/trainer.h"

#include "trainers/scalar.h"

namespace temper {

double Trainer::gradients(TrainContext& context, const Batch& batch, std::span<Flat* const> grads) {
  Tape tape(context.engine, Wrt::params);
  const Var value = loss(tape, batch, context);
  tape.backward(value, grads);
  return read_scalar(context.engine, value.value);
}

}  // namespace temper
