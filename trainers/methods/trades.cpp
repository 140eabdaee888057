// TRADES (Zhang et al. 2019): clean cross entropy + beta * KL(clean || adversarial).
#include "core/ops/elementwise.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/kl_attack.h"
#include "trainers/trainer.h"

namespace temper {

namespace {

struct Trades : Trainer {
  enum class KlGradient : uint8_t { both_sides, adversarial_only };
  float beta = 6;
  ClassTargets targets;
  KlAttack attack;  ///< for its L2 form, attack: {norm: l2, l2_order: box_first, step: 2 * radius / steps}
  KlGradient kl_gradient = KlGradient::both_sides;
  int clean_updates = 1;

  void fields(Fields& f) override {
    f("beta", beta, Limits::at_least(0).usually(0, 100), "weight of the KL term");
    targets.fields(f);
    attack.fields(f);
    f.choice("kl_gradient", kl_gradient,
             {{"both_sides", KlGradient::both_sides}, {"adversarial_only", KlGradient::adversarial_only}},
             "which logits the KL term trains; both_sides in paper and code");
    f("clean_updates", clean_updates, Limits::between(1, 2),
      "how often the clean batch updates the running statistics: 1, or 2 as in the code");
  }

  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Tensor x_adv = attack.images(context, batch);
    const Var natural = model(tape, tape.input(batch.images), Pass::train());
    const Var robust = model(tape, tape.input(x_adv), Pass::train());
    // The paper writes f(x) once. The code computes it again for the KL term, after f(x_adv): the same logits and
    // gradients, but the running statistics move a third time.
    if (clean_updates == 2) model.predict(context.engine, batch.images, Pass::train());
    const Var target = kl_gradient == KlGradient::both_sides ? natural : stop_gradient(natural);
    const Var clean = targets.cross_entropy(tape, natural, batch), kl = kl_divergence(tape, robust, target);
    context.log("clean_loss", clean);
    context.log("kl", kl);
    return add(tape, clean, kl, beta);
  }
};

TEMPER_REGISTER(Trainer, Trades, "trades", "clean cross entropy + beta * KL(clean || adversarial) (Zhang et al.)");

}  // namespace

}  // namespace temper
