// MART (Wang et al. 2020, "Improving Adversarial Robustness Requires Revisiting Misclassified Examples"): a boosted
// cross entropy of adversarial images, and a KL term that counts the more, the less the clean image is recognised. With
// p = softmax f(x), q = softmax f(x_adv), nothing cut from the gradient, the constants of the official code:
//   CE(q, y) - log(1.0001 - max_{k != y} q_k + 1e-12)  +  beta * KL(p || q + 1e-12) * (1.0000001 - p_y)
#include "attacks/pgd.h"
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "trainers/methods/parts/attack_bn.h"
#include "trainers/trainer.h"

namespace {
using namespace temper;

struct Mart : Trainer {
  float beta = 5;
  Pgd attack{{.radius = 0.031, .step = 0.007, .start = Pgd::Start::gauss001}};
  AttackBn attack_bn = AttackBn::eval;

  void fields(Fields& f) override {
    f("beta", beta, Limits::at_least(0).usually(0, 100), "weight of the KL term");
    f.section("attack", attack);
    attack_bn_field(f, attack_bn);
  }
  std::vector<const Attack*> attacks() const override { return {&attack}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Classifier classifier(model, attack_pass(attack_bn));
    const Tensor x_adv = attack.run({context.engine, batch, classifier, context.random("attack")}).images;
    const Var clean = model(tape, tape.input(batch.images), Pass::train());
    const Var adversarial = model(tape, tape.input(x_adv), Pass::train());

    const Var p = softmax(tape, clean), q = softmax(tape, adversarial);
    const Var runner_up = row_max(tape, q, {.except = batch.labels});
    const Var margin = log(tape, one_minus(tape, runner_up, 1.0001), 1e-12);
    const Var boosted = add(tape, cross_entropy(tape, adversarial, batch.labels, Reduction::none), margin, -1.f);
    const Var log_ratio = add(tape, log_softmax(tape, clean), log(tape, q, 1e-12), -1.f);
    const Var kl = row_sum(tape, mul(tape, p, log_ratio));
    const Var weighted = mul(tape, kl, one_minus(tape, pick(tape, p, batch.labels), 1.0000001));

    const Var boosted_mean = mean(tape, boosted), weighted_mean = mean(tape, weighted);
    context.log("boosted_loss", boosted_mean);
    context.log("weighted_kl", weighted_mean);
    return add(tape, boosted_mean, weighted_mean, beta);
  }
};

TEMPER_REGISTER(Trainer, Mart, "mart", "boosted cross entropy + beta * KL weighted by 1 - p_y (Wang et al.)");

}  // namespace
