// MART (Wang et al. 2020, "Improving Adversarial Robustness Requires Revisiting Misclassified Examples"): a boosted
// cross entropy of adversarial images, and a KL term that counts the more, the less the clean image is recognised.
#include "attacks/pgd.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/methods/parts/mart_loss.h"

namespace temper {

namespace {

/// The defaults are the official code's for ResNet-18: PGD-10 on the cross entropy, radius 0.031, steps of 0.007 from
/// x + 0.001 N(0, 1), running statistics.
struct Mart : Trainer {
  MartLoss mart;
  Pgd attack{{.radius = 0.031, .step = 0.007, .start = Pgd::Start::gauss001}};
  AttackBn attack_bn = AttackBn::eval;

  void fields(Fields& f) override {
    mart.fields(f);
    f.section("attack", attack);
    attack_bn_field(f, attack_bn);
  }

  std::vector<const Attack*> attacks() const override { return {&attack}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Tensor x_adv = context.once("attack", [&] {
      const Classifier classifier(context.model, attack_pass(attack_bn));
      return attack.run({context.engine, batch, classifier, context.random("attack")}).images;
    });
    return mart(tape, context, batch, train_passes(tape, context.model, batch.images, x_adv));
  }
};

TEMPER_REGISTER(Trainer, Mart, "mart", "boosted cross entropy + beta * KL weighted by 1 - p_y (Wang et al.)");

}  // namespace

}  // namespace temper
