#include "trainers/methods/parts/teacher.h"

#include "attacks/slices.h"

namespace temper {

Tensor Teacher::logits(const TrainContext& context, const Tensor& images) const {
  return predict_in_slices(context.engine, network(), images, Pass::eval());
}

}  // namespace temper
