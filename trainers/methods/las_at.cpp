// LAS-AT (Jia et al. 2022): adversarial training in which a network draws the radius, the number of steps and the step
// size of every image's PGD attack, and learns which of them leave the network more robust.
#include "kernels/pgd_step/pgd_step.h"
#include "kernels/runtime/memory.h"
#include "trainers/methods/las.h"
#include "trainers/methods/parts/class_targets.h"

namespace temper {

namespace {

constexpr float kSmoothing = 1.f / 3;  ///< of 10 classes: 0.7 for the label, 0.3 / 9 for each other one

StrategyLists lists() {
  StrategyLists all;
  for (int i = 3; i <= 15; ++i) all.radius.push_back(i / 255.0);
  for (int i = 3; i <= 14; ++i) all.steps.push_back(i);
  for (int i = 1; i <= 5; ++i) all.step.push_back(i / 255.0);
  return all;
}

/// One attack's starting points and another one's steps.
class StartedBy : public StepPolicy {
 public:
  StartedBy(std::unique_ptr<StepPolicy> starts, std::unique_ptr<StepPolicy> steps)
      : starts_(std::move(starts)), steps_(std::move(steps)) {}
  void start(const Tensor& x, int run) override {
    steps_->start(x, run);  // what it keeps from step to step begins anew
    starts_->start(x, run);
  }
  void step(const AttackPoint& at) override { steps_->step(at); }

 private:
  std::unique_ptr<StepPolicy> starts_, steps_;
};

/// min CE(f(x'), y) with smoothed targets. The defaults are those of the official code on CIFAR-10.
struct LasAt : Las {
  Pgd pgd{{.radius = 15.0 / 255, .step = 2.0 / 255, .steps = 14}};
  AttackBn attack_bn = AttackBn::eval;
  double start_radius = 8.0 / 255, final_radius = 0;
  ClassTargets targets{.label_smoothing = kSmoothing}, trial_targets{.label_smoothing = kSmoothing};

  LasAt()
      : Las(lists(),
            {.architecture = "resnet18", .every = 20, .sgd = {.lr = 1e-4, .momentum = 0, .weight_decay = 0}, .clip = 1},
            {}) {}

  void fields(Fields& f) override {
    f.section("attack", pgd);
    attack_bn_field(f, attack_bn);
    f("start_radius", start_radius, Limits::at_least(0),
      "radius of the attack's random start, for every image; 0: the radius chosen for the image");
    f("final_radius", final_radius, Limits::at_least(0),
      "radius around the clean image into which the images found are projected for training, as in LAS-AWP's code; 0: "
      "as they are");
    if (final_radius > 0 && pgd.norm != Norm::linf)
      f.reject("final_radius", "expected 0 with attack.norm: l2, because the projection is that of linf, got ",
               number_text(final_radius), "; leave it out, or set attack.norm: linf");
    targets.fields(f);
    strategy_.fields(f, pgd);
    Fields reward = f.enter("reward");
    reward_.fields(reward);
    trial_targets.fields(reward);
    f.leave("reward", reward);
  }

  const Pgd& attack() const override { return pgd; }

  Tensor find(const TrainContext& c, const Batch& batch, const PgdPlan& plan, const RngStream& random) const override {
    const Classifier classifier(c.model, attack_pass(attack_bn));
    const AttackCall call{c.engine, batch, classifier, random};
    if (start_radius == 0) return pgd.run(call, pgd.objective(classifier), plan).images;
    Pgd starts = pgd;
    starts.radius = start_radius;
    return drive(call, pgd.objective(classifier), pgd.drives(plan),
                 [&](const AttackCall& part, const BatchRows& of) {
                   return std::make_unique<StartedBy>(starts.policy(part, of), pgd.policy(part, of, plan));
                 })
        .images;
  }

  Tensor to_train_with(const TrainContext& c, const Batch& batch, const Tensor& found) const override {
    if (final_radius == 0) return found;
    dispatch_full(found.dtype, [&](auto tag) {
      using T = decltype(tag);
      // A step of length 0, whatever the direction, is the projection alone.
      pgd_step_linf(c.engine.stream(), found.numel(), found.as<T>(), batch.images.as<const T>(),
                    batch.images.as<const T>(), {.radius = final_radius, .step = 0});
    });
    return found;
  }

  Terms terms(Tape& tape, const Network& model, const Attacked& at, Use use, const Pass& pass) const override {
    const Var logits = model(tape, tape.input(at.images), pass);
    const ClassTargets of = use == Use::training ? targets : use == Use::trial ? trial_targets : ClassTargets{};
    return {{"adversarial_loss", of.cross_entropy(tape, logits, at.batch)}};
  }
};

TEMPER_REGISTER(Trainer, LasAt, "las_at", "adversarial training with a learnt attack for each image (Jia et al.)");

}  // namespace

}  // namespace temper
