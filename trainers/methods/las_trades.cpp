// LAS-TRADES (Jia et al. 2022): TRADES in which a network draws the radius, the number of steps, the step size and the
// weight of the KL term of every image, and learns as in LAS-AT.
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "trainers/methods/las.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/kl_attack.h"

namespace temper {

namespace {

StrategyLists lists() {
  StrategyLists all;
  for (int i = 5; i <= 9; ++i) {
    all.radius.push_back(i / 255.0);
    all.beta.push_back(i);
  }
  for (int i = 7; i <= 14; ++i) all.steps.push_back(i);
  for (int i = 2; i <= 4; ++i) all.step.push_back(i / 255.0);
  return all;
}

/// min CE(f(x), y) + mean over the images of beta_i KL(p(x) || p(x')), both sides differentiated. The defaults are
/// those of the official code on CIFAR-10.
struct LasTrades : Las {
  float beta = 6;
  KlAttack kl;
  ClassTargets targets;

  LasTrades()
      : Las(lists(), {.architecture = "resnet18", .sgd = {.lr = 1e-4}, .clip = 1},
            {.max_loss = 20, .robust_weight = 8, .clean_weight = 4}) {
    kl.pgd.radius = 9.0 / 255;
    kl.pgd.step = 2.0 / 255;
    kl.pgd.steps = 14;
  }

  void fields(Fields& f) override {
    f("beta", beta, Limits::at_least(0).usually(0, 100), "weight of the KL term if strategy.beta is empty");
    targets.fields(f);
    kl.fields(f);
    strategy_.fields(f, kl.pgd);
    f.section("reward", reward_);
  }

  const Pgd& attack() const override { return kl.pgd; }

  Tensor find(const TrainContext& c, const Batch& batch, const PgdPlan& plan, const RngStream& random) const override {
    const Classifier classifier(c.model, attack_pass(kl.bn));
    const AttackCall call{c.engine, batch, classifier, random};
    return kl.pgd.run(call, kl.objective(call, c.model), plan).images;
  }

  Terms terms(Tape& tape, const Network& model, const Attacked& at, Use /*use*/, const Pass& pass) const override {
    const Var clean = model(tape, tape.input(at.batch.images), pass);
    const Var adversarial = model(tape, tape.input(at.images), pass);
    return {{"clean_loss", targets.cross_entropy(tape, clean, at.batch)},
            {"weighted_kl", weighted_kl(tape, adversarial, clean, at.betas)}};
  }

  Var weighted_kl(Tape& tape, const Var& adversarial, const Var& clean, const Tensor& betas) const {
    if (!betas) return scale(tape, kl_divergence(tape, adversarial, clean), beta);
    return mean(tape, mul(tape, kl_divergence(tape, adversarial, clean, Reduction::none), {betas}));
  }
};

TEMPER_REGISTER(Trainer, LasTrades, "las_trades",
                "TRADES with a learnt attack and KL weight for each image (Jia et al.)");

}  // namespace

}  // namespace temper
