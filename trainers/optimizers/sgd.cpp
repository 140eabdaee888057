#include "trainers/optimizers/sgd.h"

#include "kernels/weight_update/weight_update.h"

namespace temper {

Sgd::Sgd(const SgdOptions& o)
    : Optimizer({.lr = o.lr, .weight_decay = o.weight_decay}), momentum_(o.momentum), nesterov_(o.nesterov) {}

void Sgd::fields(Fields& f) {
  Optimizer::fields(f);
  f("momentum", momentum_, Limits::at_least(0).below(1), "factor on the velocity of the step before");
  f("nesterov", nesterov_, "Nesterov momentum");
  if (nesterov_ && momentum_ == 0)
    f.warn("nesterov", "there is no velocity to look ahead along, because momentum is 0");
  check_decay(f);
}

bool Sgd::update_with(Stream stream, const Update& u, const FusedCopies& f) const {
  dispatch_full(u.weights.dtype, [&](auto tag) {
    using T = decltype(tag);
    dispatch_half(f.half ? f.half.dtype : DType::bf16, [&](auto half_tag) {
      using N = decltype(half_tag);
      weight_update<T, N>(stream, u.weights.numel(),
                          {.w = u.weights.as<T>(),
                           .velocity = u.state[0].as<T>(),
                           .grad = u.gradient.as<const T>(),
                           .mask = u.mask.as<const T>(),
                           .average = f.average.as<T>(),
                           .half = f.half.as<N>()},
                          u.mask_mode,
                          {.lr = u.lr,
                           .momentum = momentum_,
                           .weight_decay = u.weight_decay,
                           .kind = nesterov_ ? Momentum::nesterov : Momentum::classic,
                           .moves = u.moves},
                          f.keep);
    });
  });
  return true;
}

TEMPER_REGISTER(Optimizer, Sgd, "sgd", "stochastic gradient descent with momentum");

}  // namespace temper
