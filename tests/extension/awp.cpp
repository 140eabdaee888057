// Adversarial weight perturbation (AWP, Wu, Xia & Wang 2020) around PGD adversarial training: the gradient is taken at
// weights moved towards a larger loss, and moves the weights that were not. Of each weight tensor w_l of two extents or
// more the perturbation is gamma * |w_l| / |g_l| * g_l, where g is the gradient of the loss of the same adversarial
// images (the official code takes an SGD step of a copy; its length cancels). Weight decay acts on the weights, not on
// the moved.
#include <optional>

#include "attacks/pgd.h"
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "kernels/row_scale/row_scale.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/methods/parts/scalar.h"
#include "trainers/trainer.h"

namespace {
using namespace temper;

struct Awp : Trainer {
  double gamma = 0.01;
  Pgd attack;
  AttackBn attack_bn = AttackBn::train;
  std::optional<Weights> moved;  ///< the network's weights and their perturbation
  std::optional<ParamBuffer> ascent;

  void fields(Fields& f) override {
    f("gamma", gamma, Limits::between(0, 1).usually(0, 0.1),
      "length of a tensor's perturbation, as a share of its own");
    f.section("attack", attack);
    attack_bn_field(f, attack_bn);
  }
  std::vector<const Attack*> attacks() const override { return {&attack}; }
  void begin(TrainContext& c) override {
    moved.emplace(c.model.make_weights(c.engine));
    ascent.emplace(c.model.params(), c.model.options().dtype, c.engine.stream());
  }

  Tensor attacked(const TrainContext& c, const Batch& batch) const {
    const Classifier classifier(c.model, attack_pass(attack_bn));
    return attack.run({c.engine, batch, classifier, c.random("attack")}).images;
  }
  Var loss(Tape& tape, const Batch& batch, const TrainContext& c) override {
    return cross_entropy(tape, c.model(tape, tape.input(attacked(c, batch)), Pass::train()), batch.labels);
  }

  void write_gradients(TrainContext& c, const Batch& batch, std::span<const GradientBuffer> grads,
                       const Tensor& loss) override {
    const Network& model = c.model;
    const Tensor x_adv = attacked(c, batch);
    Tape tape(c.engine, Wrt::params);
    const Var here = model(tape, tape.input(x_adv), {.update = BnUpdate::no});
    tape.backward(cross_entropy(tape, here, batch.labels), {{model.weights().params, *ascent}});
    perturb(c.engine, model);
    const Var there = model(tape, tape.input(x_adv), {.weights = &*moved});
    const Var value = cross_entropy(tape, there, batch.labels);
    tape.backward(value, {{moved->params, grads[0].into}});  // the gradient there, for the weights here
    model.weights().buffers.copy_from(moved->buffers);
    put_scalar(c.engine, value.value, loss);
  }

 private:
  void perturb(Engine& engine, const Network& model) {
    model.copy_weights(*moved, model.weights());
    for (int i = 0; i < model.params().count(); ++i) {
      if (model.params()[i].shape.rank() < 2) continue;
      Tape tape(engine, Wrt::nothing);
      const Tensor w = moved->params.view(i), g = ascent->view(i);
      const auto log_square = [&](const Tensor& t, double plus) {
        const Var all{t.reshaped({1, t.numel()})};
        return log(tape, row_sum(tape, mul(tape, all, all)), plus);
      };
      const Var difference = add(tape, log_square(w, 0), log_square(g, 1e-30), -1.f);
      const Tensor ratio = exp(tape, scale(tape, difference, 0.5f)).value;  // |w| / |g|
      dispatch_full(w.dtype, [&](auto tag) {
        using T = decltype(tag);
        row_scale(engine.stream(), 1, static_cast<int>(w.numel()), 1.f, w.as<T>(), g.as<T>(), ratio.as<T>(),
                  RowFactors::one, gamma);
      });
    }
    moved->params.bump_version();
  }
};

TEMPER_REGISTER(Trainer, Awp, "awp", "PGD adversarial training at perturbed weights (Wu et al.)");

}  // namespace
