// IAD-II, introspective adversarial distillation on top of two teachers (Zhu et al. 2022): as far as the robust teacher
// fails on an adversarial image, the student listens to its own answer for the clean one.
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/distillation.h"
#include "trainers/methods/parts/introspection.h"
#include "trainers/methods/parts/label_attack.h"
#include "trainers/methods/parts/two_teachers.h"

namespace temper {

namespace {

/// With a_i of Introspection, a robust teacher r, a natural teacher n, and their weights,
///   (1 - w_r - w_n) CE(s(x'), y) + w_n T^2 KL(n(x') || s(x'))
///     + w_r T^2 [ mean_i a_i KL(r(x'_i) || s(x'_i)) + mean_i (1 - a_i) KL(s(x_i) || s(x'_i)) ],
/// T dividing the logits in the teachers' terms alone. While it warms up a_i is 1.
struct IadIi : Trainer {
  float temperature = 1;
  TwoTeachers teachers{0.5, 0.25};
  Introspection introspection{40};
  ClassTargets targets;
  LabelAttack attack{{.start = Pgd::Start::uniform_unclipped}};

  void fields(Fields& f) override {
    f("temperature", temperature, Limits::above(0).usually(1, 100), "T, which divides logits in the teachers' terms");
    introspection.fields(f);
    targets.fields(f);
    attack.fields(f);
    teachers.fields(f);
  }

  void check(const Fields& f, int64_t epochs) const override {
    teachers.check(f);
    introspection.check(f, epochs);
  }
  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }
  void begin(TrainContext& context) override { teachers.begin(context); }
  std::vector<MethodPart> parts() override { return teachers.parts(); }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Tensor x_adv = attack.images(context, batch);
    const Tensor robust = context.once("teacher", [&] { return teachers.robust.logits(context, x_adv); });
    const Tensor natural = context.once("natural teacher", [&] { return teachers.natural.logits(context, x_adv); });
    const Var adversarial = model(tape, tape.input(x_adv), Pass::train());
    const Var labels = targets.cross_entropy(tape, adversarial, batch);
    const Var of_natural = distillation(tape, adversarial, natural, temperature);
    context.log("adversarial_loss", labels);
    context.log("natural_distillation", of_natural);
    const Var rest = add(tape, scale(tape, labels, teachers.label_weight()), of_natural, teachers.natural_weight);
    if (!introspection.on(context)) {
      const Var of_robust = distillation(tape, adversarial, robust, temperature);
      context.log("distillation", of_robust);
      return add(tape, rest, of_robust, teachers.robust_weight);
    }
    const Var clean = model(tape, tape.input(batch.images), Pass::train());
    const Var trust = introspection.trust(tape, robust, batch.labels);
    const Var per_image = distillation(tape, adversarial, robust, temperature, Reduction::none);
    const Var of_robust = mean(tape, mul(tape, per_image, trust));
    const Var own = introspection.loss(tape, adversarial, clean, trust);
    context.log("trust", mean(tape, trust));
    context.log("distillation", of_robust);
    context.log("introspection", own);
    return add(tape, rest, add(tape, of_robust, own, temperature * temperature), teachers.robust_weight);
  }
};

TEMPER_REGISTER(Trainer, IadIi, "iad_ii",
                "two teachers, and the student's own answer where the robust one fails (Zhu et al.)");

}  // namespace

}  // namespace temper
