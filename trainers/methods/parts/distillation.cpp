#include "trainers/methods/parts/distillation.h"

#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"

namespace temper {

Var distillation(Tape& tape, const Var& student, const Tensor& teacher, float temperature, Reduction reduction) {
  return scale(tape, kl_divergence(tape, student, {teacher}, reduction, temperature), temperature * temperature);
}

Var soft_distillation(Tape& tape, const Var& student, const Tensor& teacher, float temperature) {
  const float softer = 1 / temperature;
  const Var target = softmax(tape, scale(tape, {teacher}, softer));
  return scale(tape, soft_cross_entropy(tape, scale(tape, student, softer), target.value), temperature * temperature);
}

}  // namespace temper
