// clip(x + radius * sign(gradient)).
#include <fmt/format.h>

#include "attacks/attack.h"
#include "attacks/gradient_watch.h"
#include "core/ops_loss.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/runtime/memory.h"

namespace {
using namespace temper;

struct SingleStep : Attack {
  double radius = 8.0 / 255;

  void fields(Fields& f) override { f("radius", radius, Limits::between(0, 1), "eps, in [0, 1] pixel units"); }
  std::string describe() const override { return fmt::format("single step: radius {:.6f}", radius); }

  Tensor run(Engine& engine, const Batch& batch, const Classifier& classifier, Draw) const override {
    const Tensor x = engine.arena().tensor(batch.images.shape, batch.images.dtype);
    copy(engine.stream(), x.data, x.device, batch.images.data, batch.images.device, x.bytes());
    Tape tape(engine, Wrt::input);
    const Var input = tape.input(x);
    const Var odds = log_odds(tape, classifier(tape, input), batch.labels);
    tape.backward(odds);
    const GradientWatch watch(engine, batch);
    watch.look(tape.grad(input), odds.value);
    watch.report();
    dispatch_full(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      pgd_step_linf(engine.stream(), x.numel(), x.as<T>(), tape.grad(input).as<const T>(), batch.images.as<const T>(),
                    {.radius = radius, .step = radius});
    });
    return x;
  }
};
TEMPER_REGISTER(Attack, SingleStep, "single_step", "one signed step of the radius");

}  // namespace
