// PGD adversarial training (Madry et al. 2018; Rice et al. 2020): the cross entropy of adversarial images.
#include "attacks/pgd.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/trainer.h"

namespace temper {

namespace {

/// The defaults are Rice's: radius 8/255, 10 steps of 2/255 from a uniform start clipped to valid pixels, batch
/// statistics in the attack, so that every attack forward moves the running ones. Bag of Tricks attacks with attack_bn:
/// eval. Of several restarts Rice keeps, for each sample, the one of highest loss: attack.restart_rule: best_loss, the
/// default.
struct PgdAt : Trainer {
  enum class CleanPass : uint8_t { none, train };
  enum class ScorePass : uint8_t { compared, always };
  Pgd attack;
  AttackBn attack_bn = AttackBn::train;
  ClassTargets targets;
  ScorePass score_pass = ScorePass::compared;
  CleanPass clean_pass = CleanPass::none;

  void fields(Fields& f) override {
    f.section("attack", attack);
    attack_bn_field(f, attack_bn);
    targets.fields(f);
    f.choice(
        "score_pass", score_pass, {{"compared", ScorePass::compared}, {"always", ScorePass::always}},
        "when the attack classifies its final images once more, which updates the statistics with attack_bn: train. "
        "compared: if runs or points are compared; always: also with one run, as in Rice's code");
    f.choice(
        "clean_pass", clean_pass, {{"none", CleanPass::none}, {"train", CleanPass::train}},
        "train: after each step the clean batch passes the network, as in Rice's code for its log, which updates the "
        "statistics");
  }

  std::vector<const Attack*> attacks() const override { return {&attack}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Pass pass = attack_pass(attack_bn);
    const Tensor x_adv = context.once("attack", [&] {
      const Tensor found = attack.run({context.engine, batch, {model, pass}, context.random("attack")}).images;
      if (score_pass == ScorePass::always && !attack.selects()) model.predict(context.engine, found, pass);
      return found;
    });
    const Var logits = model(tape, tape.input(x_adv), Pass::train());
    const Var loss = targets.cross_entropy(tape, logits, batch);
    context.log("adversarial_loss", loss);
    return loss;
  }

  void after_step(TrainContext& context, const Batch& batch) override {
    if (clean_pass == CleanPass::none) return;
    const Arena::Scope scope(context.engine.arena());
    context.model.predict(context.engine, batch.images, Pass::train());
  }
};

TEMPER_REGISTER(Trainer, PgdAt, "pgd_at", "adversarial training: cross entropy of PGD images (Madry, Rice)");

}  // namespace

}  // namespace temper
