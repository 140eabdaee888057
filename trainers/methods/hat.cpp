// HAT (Rade & Moosavi-Dezfooli 2022, "Reducing Excessive Margin to Achieve a Better Accuracy vs. Robustness
// Trade-off"): TRADES, and images beyond the adversarial ones that keep the class which a naturally trained network
// sees.
#include "core/ops/elementwise.h"
#include "kernels/argmax/argmax.h"
#include "kernels/axpby/axpby.h"
#include "trainers/methods/parts/kl_attack.h"
#include "trainers/methods/parts/teacher.h"
#include "trainers/methods/parts/trades_loss.h"

namespace temper {

namespace {

/// With r = x' - x the perturbation of the attack and F the helper,
///   CE(f(x), y) + beta * R + gamma * CE(f(x + reach * r), argmax F(x')),
/// where R is KL(p(x) || p(x')) or, with `robust_loss: cross_entropy`, CE(f(x'), y). Labels are smoothed for x alone,
/// as in the code.
struct Hat : Trainer {
  enum class RobustLoss : uint8_t { kl, cross_entropy };
  TradesLoss trades{.beta = 2.5};
  float gamma = 0.5;
  double reach = 2;
  RobustLoss robust_loss = RobustLoss::kl;
  KlAttack attack;
  Teacher helper{"helper"};

  Hat() {
    attack.pgd.radius = 8. / 255;
    attack.pgd.step = 2. / 255;
  }

  void fields(Fields& f) override {
    trades.fields(f);
    f("gamma", gamma, Limits::at_least(0).usually(0, 100), "weight of the loss of helper images");
    f("reach", reach, Limits::above(1).usually(1.5, 4),
      "h: helper images lie at x + h r, where r is the perturbation of the attack; not clipped to valid pixels");
    f.choice("robust_loss", robust_loss, {{"kl", RobustLoss::kl}, {"cross_entropy", RobustLoss::cross_entropy}},
             "of attack and loss: TRADES' KL, or the cross entropy with the labels, whose attack in the code starts "
             "with attack.start: uniform");
    attack.fields(f);
    helper.fields(f);
  }
  void check(const Fields& f, int64_t) const override { helper.check(f); }
  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }
  void begin(TrainContext& context) override { helper.begin(context); }
  std::vector<MethodPart> parts() override { return {helper.part()}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Tensor x_adv = adversarial(context, batch);
    const Tensor labels = context.once("helper labels", [&] { return labels_of(context, x_adv); });
    const Tensor beyond = extended(tape, batch.images, x_adv);
    const PairedLogits logits = train_passes(tape, model, batch.images, x_adv);
    const Var helped = model(tape, tape.input(beyond), Pass::train());
    const Var held = robust_loss == RobustLoss::kl ? trades(tape, context, batch, logits)
                                                   : cross_entropies(tape, context, batch, logits);
    const Var help = cross_entropy(tape, helped, labels);
    context.log("helper_loss", help);
    return add(tape, held, help, gamma);
  }

 private:
  Tensor adversarial(const TrainContext& c, const Batch& batch) const {
    if (robust_loss == RobustLoss::kl) return attack.images(c, batch);
    return c.once("attack", [&] {
      return attack.pgd.run({c.engine, batch, {c.model, attack_pass(attack.bn)}, c.random("attack")}).images;
    });
  }

  /// CE(f(x), y) + beta CE(f(x'), y); labels are smoothed for x alone.
  Var cross_entropies(Tape& tape, const TrainContext& c, const Batch& batch, const PairedLogits& of) const {
    const Var clean = trades.targets.cross_entropy(tape, of.clean, batch);
    const Var adversarial = ClassTargets{}.cross_entropy(tape, of.adversarial, batch);
    c.log("clean_loss", clean);
    c.log("adversarial_loss", adversarial);
    return add(tape, clean, adversarial, trades.beta);
  }

  /// (n) i32: the classes in which the helper puts images.
  Tensor labels_of(const TrainContext& c, const Tensor& images) const {
    const Tensor labels = c.engine.arena().tensor({images.shape[0]}, DType::i32);
    const Arena::Scope scope(c.engine.arena());
    const Tensor logits = helper.logits(c, images);
    dispatch_full(logits.dtype, [&](auto tag) {
      using T = decltype(tag);
      argmax<T>(c.engine.stream(), logits.shape[0], static_cast<int>(logits.shape[1]), labels.as<int32_t>(),
                logits.as<T>());
    });
    return labels;
  }

  /// x + reach * (x_adv - x).
  Tensor extended(Tape& tape, const Tensor& x, const Tensor& x_adv) const {
    const Tensor beyond = tape.alloc(x.shape, x.dtype);
    const auto h = static_cast<float>(reach);
    dispatch_float(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      weighted_sum<T>(tape.stream(), x.numel(), 1 - h, x.as<T>(), h, x_adv.as<T>(), beyond.as<T>());
    });
    return beyond;
  }
};

TEMPER_REGISTER(Trainer, Hat, "hat",
                "TRADES and, beyond the adversarial images, the labels of a natural network (Rade & Moosavi-Dezfooli)");

}  // namespace

}  // namespace temper
