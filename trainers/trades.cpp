// TRADES (Zhang et al. 2019): clean cross entropy + beta * KL(clean || adversarial).
#include "attacks/pgd.h"
#include "core/ops_elementwise.h"
#include "trainers/attack_bn.h"
#include "trainers/trainer.h"

namespace temper {

namespace {

struct Trades : Trainer {
  enum class KlGradient : uint8_t { both_sides, adversarial_only };
  float beta = 6;
  Pgd attack;
  AttackBn attack_bn = AttackBn::eval;
  KlGradient kl_gradient = KlGradient::both_sides;
  int clean_updates = 1;

  /// The defaults are the official code's: radius 0.031 (7.9/255), 10 steps of 0.007, start x + 0.001 N(0, 1)
  /// unclipped. Its L2 attack is attack: {norm: l2, l2_order: box_first, step: 2 * radius / steps}.
  Trades() {
    attack.radius = 0.031;
    attack.step = 0.007;
    attack.start = Pgd::Start::gauss001;
  }

  void fields(Fields& f) override {
    f("beta", beta, "weight of the KL term");
    f.section("attack", attack);
    attack_bn_field(f, attack_bn);
    f.choice("kl_gradient", kl_gradient,
             {{"both_sides", KlGradient::both_sides}, {"adversarial_only", KlGradient::adversarial_only}},
             "which logits the KL term trains; both_sides in paper and code");
    f("clean_updates", clean_updates, "how often the clean batch moves the running statistics: 1, or 2 as in the code");
    if (beta < 0) f.reject("beta", "expected 0 or more, got ", beta);
    if (clean_updates < 1 || clean_updates > 2) f.reject("clean_updates", "expected 1 or 2, got ", clean_updates);
  }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    Engine& engine = context.engine;
    const Network& model = context.model;
    const Pass in_attack = attack_pass(attack_bn);
    // Constant during the attack, so one forward; the official code repeats it in every step.
    const Var clean{model.predict(engine, batch.images, in_attack)};
    const Tensor x_adv = attack.run(
        engine, batch, [&](Tape& t, const Var& x) { return model(t, x, in_attack); },
        [&](Tape& t, const Var& logits) { return kl_divergence(t, logits, clean, Reduction::none); },
        static_cast<uint32_t>(context.epoch));

    const Var natural = model(tape, tape.input(batch.images), Pass::train());
    const Var robust = model(tape, tape.input(x_adv), Pass::train());
    // The paper writes f(x) once. The code computes it again for the KL term, after f(x_adv): the same logits and
    // gradients, but the running statistics move a third time.
    if (clean_updates == 2) model.predict(engine, batch.images, Pass::train());
    const Var target = kl_gradient == KlGradient::both_sides ? natural : stop_gradient(natural);
    return add(tape, cross_entropy(tape, natural, batch.labels), kl_divergence(tape, robust, target), beta);
  }
};

TEMPER_REGISTER(Trainer, Trades, "trades", "clean cross entropy + beta * KL(clean || adversarial) (Zhang et al.)");

}  // namespace

}  // namespace temper
