#include "trainers/optimizers/optimizer.h"

namespace temper {

void Optimizer::fields(Fields& f) {
  f("lr", lr, Limits::above(0).usually(1e-7, 10), "base learning rate, to which the schedule is applied");
  f("weight_decay", weight_decay, Limits::at_least(0).usually(0, 0.1),
    "weight decay, also of BatchNorm and biases: weight_decay * w is added to the gradient or, by adamw, to the step");
}

void Optimizer::check_decay(const Fields& f) const {
  if (lr * weight_decay >= 1)
    f.reject("weight_decay",
             "expected lr * weight_decay below 1, because a step would change the sign of weights, got ", lr, " * ",
             weight_decay);
}

}  // namespace temper
