#include <cmath>

#include "kernels/adam_step/adam_step.h"
#include "trainers/optimizers/optimizer.h"

namespace temper {

namespace {

/// What Adam and AdamW share: everything but where weight decay acts.
class MomentOptimizer : public Optimizer {
 public:
  MomentOptimizer(Defaults defaults, Decay decay) : Optimizer(defaults), decay_(decay) {}
  void fields(Fields& f) override {
    Optimizer::fields(f);
    f("beta1", beta1_, Limits::at_least(0).below(1), "decay of the mean of gradients");
    f("beta2", beta2_, Limits::at_least(0).below(1), "decay of the mean of their squares");
    f("eps", eps_, Limits::at_least(1e-20).usually(1e-10, 1e-2), "added to the denominator, the root of that mean");
    if (decay_ == Decay::weight) check_decay(f);
  }
  std::vector<std::string> state() const override { return {"mean", "mean_of_squares"}; }
  std::vector<double> numbers(int64_t step) const override {
    const auto t = static_cast<double>(step);
    return {1 - std::pow(beta1_, t), 1 - std::pow(beta2_, t)};
  }
  bool handles_masks() const override { return true; }
  void update(Stream stream, const Update& u) const override {
    dispatch_full(u.weights.dtype, [&](auto tag) {
      using T = decltype(tag);
      adam_step<T>(stream, u.weights.numel(), u.weights.as<T>(), u.state[0].as<T>(), u.state[1].as<T>(),
                   u.gradient.as<const T>(), u.mask.as<const T>(), u.mask_mode,
                   {.lr = u.lr,
                    .beta1 = beta1_,
                    .beta2 = beta2_,
                    .eps = eps_,
                    .weight_decay = u.weight_decay,
                    .decay = decay_,
                    .correction1 = u.numbers[0],
                    .correction2 = u.numbers[1],
                    .moves = u.moves});
    });
  }

 private:
  Decay decay_;
  double beta1_ = 0.9, beta2_ = 0.999, eps_ = 1e-8;
};

struct Adam : MomentOptimizer {
  Adam() : MomentOptimizer({.lr = 1e-3, .weight_decay = 0}, Decay::gradient) {}
};
struct AdamW : MomentOptimizer {
  AdamW() : MomentOptimizer({.lr = 1e-3, .weight_decay = 1e-2}, Decay::weight) {}
};

TEMPER_REGISTER(Optimizer, Adam, "adam", "Adam, with weight decay in the gradient (Kingma & Ba 2015)");
TEMPER_REGISTER(Optimizer, AdamW, "adamw",
                "Adam, with weight decay on the weights themselves (Loshchilov & Hutter 2019)");

}  // namespace

}  // namespace temper
