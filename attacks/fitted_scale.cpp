#include "attacks/fitted_scale.h"

#include "core/host.h"
#include "kernels/fill/fill.h"
#include "kernels/fit_scale/fit_scale.h"
#include "kernels/runtime/memory.h"

namespace temper {

FittedScale::FittedScale(Engine& engine, int64_t samples, ScaleOf of) : engine_(engine) {
  if (!engine.loss_scales().fitted) return;
  scales_ = engine.arena().tensor({of == ScaleOf::sample ? samples : 1}, DType::f32);
  again_ = engine.arena().tensor({1}, DType::i32);
  fill<float>(engine.stream(), scales_.numel(), scales_.as<float>(), ScaleRange().first);
}

void FittedScale::backward(Tape& tape, const Var& input, const Var& values) const {
  if (!scales_) return tape.backward(values);
  const int64_t rows = scales_.numel();
  do {
    set_zero(engine_.stream(), again_.data, again_.bytes());
    tape.backward_scaled(values, scales_);
    const Tensor gradient = tape.grad(input);
    fit_scale(engine_.stream(), rows, static_cast<int>(gradient.numel() / rows), gradient.as<float>(),
              scales_.as<float>(), again_.as<int32_t>(), {});
  } while (!listing(engine_.stream()) && host_indices(engine_, again_)[0] > 0);
}

}  // namespace temper
