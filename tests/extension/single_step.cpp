// clip(x + radius * sign(gradient)).
#include <fmt/format.h>

#include "attacks/driver.h"
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/runtime/memory.h"

namespace {
using namespace temper;

struct SingleStep : Attack {
  double radius = 8.0 / 255;

  void fields(Fields& f) override { f("radius", radius, Limits::between(0, 1), "eps, in [0, 1] pixel units"); }
  std::string describe() const override { return fmt::format("single step: radius {:.6f}", radius); }

  AttackResult run(const AttackCall& call) const override {
    const Objective objective = [](Tape& t, const AttackView& at) { return log_odds(t, at.logits, at.batch.labels); };
    return drive(call, objective, {.name = "single_step"},
                 [this](const AttackCall& part, const BatchRows&) { return std::make_unique<Sign>(part, radius); });
  }

  struct Sign : StepPolicy {
    const AttackCall& part;
    double radius;
    Sign(const AttackCall& part, double radius) : part(part), radius(radius) {}

    void start(const Tensor& x, int) override {
      const Tensor& clean = part.batch.images;
      copy(part.engine.stream(), x.data, x.device, clean.data, clean.device, x.bytes());
    }
    void step(const AttackPoint& at) override {
      dispatch_full(at.images.dtype, [&](auto tag) {
        using T = decltype(tag);
        pgd_step_linf(part.engine.stream(), at.images.numel(), at.images.as<T>(), at.gradient.as<const T>(),
                      part.batch.images.as<const T>(), {.radius = radius, .step = radius});
      });
    }
  };
};
TEMPER_REGISTER(Attack, SingleStep, "single_step", "one signed step of the radius");

}  // namespace
