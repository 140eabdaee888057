// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"): steps of one size, along a sign.
#include "tests/extension/lion_step.h"
#include "trainers/optimizers/optimizer.h"

namespace {
using namespace temper;

struct Lion : Optimizer {
  double beta1 = 0.9, beta2 = 0.99;

  Lion() : Optimizer({.lr = 1e-4, .weight_decay = 0}) {}

  void fields(Fields& f) override {
    Optimizer::fields(f);
    f("beta1", beta1, Limits::at_least(0).below(1), "share of the mean in the direction of a step");
    f("beta2", beta2, Limits::at_least(0).below(1), "decay of the mean of gradients");
    check_decay(f);
  }

  std::vector<std::string> state() const override { return {"mean"}; }

  void update(Stream stream, const Update& u) const override {
    dispatch_full(u.weights.dtype, [&](auto tag) {
      using T = decltype(tag);
      lion_step<T>(stream, u.weights.numel(), u.weights.as<T>(), u.state[0].as<T>(), u.gradient.as<const T>(),
                   {.lr = u.lr, .beta1 = beta1, .beta2 = beta2, .weight_decay = u.weight_decay, .moves = u.moves});
    });
  }
};
TEMPER_REGISTER(Optimizer, Lion, "lion", "steps of one size along the sign of a mean gradient (Chen et al. 2023)");

}  // namespace
