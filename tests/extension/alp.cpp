// Adversarial logit pairing (ALP, Kannan et al. 2018, "Adversarial Logit Pairing"): clean and adversarial images are
// both to be recognised, and their logits are drawn together:
//   CE(f(x), y) + CE(f(x_adv), y) + lambda * mean of (f(x) - f(x_adv))^2 over images and classes
#include "attacks/pgd.h"
#include "core/ops/elementwise.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/trainer.h"

namespace {
using namespace temper;

struct Alp : Trainer {
  float lambda = 0.5;
  ClassTargets targets;
  Pgd attack;
  AttackBn attack_bn = AttackBn::eval;

  void fields(Fields& f) override {
    f("lambda", lambda, Limits::at_least(0).usually(0, 100), "weight of the squared difference of logits");
    targets.fields(f);
    f.section("attack", attack);
    attack_bn_field(f, attack_bn);
  }
  std::vector<const Attack*> attacks() const override { return {&attack}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Tensor x_adv = context.once("attack", [&] {
      const Classifier classifier(model, attack_pass(attack_bn));
      return attack.run({context.engine, batch, classifier, context.random("attack")}).images;
    });
    const Var of_clean = model(tape, tape.input(batch.images), Pass::train());
    const Var of_adversarial = model(tape, tape.input(x_adv), Pass::train());

    const Var clean = targets.cross_entropy(tape, of_clean, batch);
    const Var adversarial = targets.cross_entropy(tape, of_adversarial, batch);
    const Var pairing = mean_squared_error(tape, of_clean, of_adversarial);
    context.log("clean_loss", clean);
    context.log("adversarial_loss", adversarial);
    context.log("pairing", pairing);
    return add(tape, add(tape, clean, adversarial), pairing, lambda);
  }
};

TEMPER_REGISTER(Trainer, Alp, "alp", "cross entropy of clean and adversarial images, and their logits paired (Kannan)");

}  // namespace
