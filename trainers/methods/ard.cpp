// ARD, adversarially robust distillation (Goldblum et al. 2020): a student learns on adversarial images what a robust
// teacher answers for the clean ones.
#include "core/ops/elementwise.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/clean_pass.h"
#include "trainers/methods/parts/distillation.h"
#include "trainers/methods/parts/label_attack.h"
#include "trainers/methods/parts/teacher.h"

namespace temper {

namespace {

/// alpha T^2 KL(softmax(t(x) / T) || softmax(s(x_adv) / T)) + (1 - alpha) CE(s(x), y). Defaults as published: alpha 1,
/// T 30, PGD on the student's cross entropy with batch statistics.
struct Ard : Trainer {
  float alpha = 1, temperature = 30;
  Reduction kl_mean = Reduction::mean;
  ClassTargets targets;
  LabelAttack attack{{.start = Pgd::Start::uniform_unclipped}};
  CleanPass clean_pass = CleanPass::needed;
  Teacher teacher{"teacher"};

  void fields(Fields& f) override {
    f("alpha", alpha, Limits::between(0, 1), "share of the distillation in the loss; the clean images' has the rest");
    f("temperature", temperature, Limits::above(0).usually(1, 100), "T, which divides logits before the softmax");
    f.choice(
        "kl_mean", kl_mean, {{"batch", Reduction::mean}, {"elements", Reduction::elementwise}},
        "what the KL term is a mean over: the images (paper), or images and classes (code), which makes it smaller "
        "by the number of classes");
    targets.fields(f);
    attack.fields(f);
    clean_pass_field(f, clean_pass);
    teacher.fields(f);
  }

  void check(const Fields& f, int64_t /*epochs*/) const override { teacher.check(f); }
  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }
  void begin(TrainContext& context) override { teacher.begin(context); }
  std::vector<MethodPart> parts() override { return {teacher.part()}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Tensor x_adv = attack.images(context, batch);
    const Tensor taught = context.once("teacher", [&] { return teacher.logits(context, batch.images); });
    const Var adversarial = model(tape, tape.input(x_adv), Pass::train());
    const Var distilled = distillation(tape, adversarial, taught, temperature, kl_mean);
    context.log("distillation", distilled);
    if (alpha == 1) {
      if (clean_pass == CleanPass::always) model.predict(context.engine, batch.images, Pass::train());
      return distilled;
    }
    const Var clean = targets.cross_entropy(tape, model(tape, tape.input(batch.images), Pass::train()), batch);
    context.log("clean_loss", clean);
    return add(tape, scale(tape, distilled, alpha), clean, 1 - alpha);
  }
};

TEMPER_REGISTER(Trainer, Ard, "ard", "distillation of a robust teacher on adversarial images (Goldblum et al.)");

}  // namespace

}  // namespace temper
