// IAD-I, introspective adversarial distillation on top of ARD (Zhu et al. 2022): where the robust teacher fails on an
// adversarial image, the student listens to its own answer for the clean one.
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/distillation.h"
#include "trainers/methods/parts/introspection.h"
#include "trainers/methods/parts/label_attack.h"
#include "trainers/methods/parts/teacher.h"

namespace temper {

namespace {

/// With a_i and the student's own term of Introspection,
///   alpha [ T^2 mean_i w_i KL(t(x_i) || s(x'_i)) + mean_i (1 - a_i) KL(s(x_i) || s(x'_i)) ] + (1 - alpha) CE(s(x), y),
/// w_i being 1, or a_i with teacher_weight: trust. While it warms up, the student's own term is missing and w_i is 1.
struct IadI : Trainer {
  enum class TeacherWeight : uint8_t { one, trust };
  enum class ExtraPasses : uint8_t { none, code };
  float alpha = 1, temperature = 1;
  TeacherWeight teacher_weight = TeacherWeight::one;
  Introspection introspection{60};
  ClassTargets targets;
  LabelAttack attack{{.start = Pgd::Start::uniform_unclipped}};
  ExtraPasses extra_passes = ExtraPasses::none;
  Teacher teacher{"teacher"};

  void fields(Fields& f) override {
    f("alpha", alpha, Limits::between(0, 1), "share of the distillation in the loss; the clean images' has the rest");
    f("temperature", temperature, Limits::above(0).usually(1, 100), "T, which divides logits in the teacher's term");
    f.choice("teacher_weight", teacher_weight, {{"one", TeacherWeight::one}, {"trust", TeacherWeight::trust}},
             "weight of an image in the teacher's term after the warm-up: 1 (code), or the trust in the teacher");
    introspection.fields(f);
    targets.fields(f);
    attack.fields(f);
    f.choice(
        "extra_passes", extra_passes, {{"none", ExtraPasses::none}, {"code", ExtraPasses::code}},
        "code: adversarial and clean images pass the network again, as in the code, whose results it does not use; "
        "this moves the running statistics");
    teacher.fields(f);
  }

  void check(const Fields& f, int64_t epochs) const override {
    teacher.check(f);
    introspection.check(f, epochs);
  }
  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }
  void begin(TrainContext& context) override { teacher.begin(context); }
  std::vector<MethodPart> parts() override { return {teacher.part()}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Tensor x_adv = attack.images(context, batch);
    const Tensor taught = context.once("teacher", [&] { return teacher.logits(context, batch.images); });
    const bool on = introspection.on(context), extra = extra_passes == ExtraPasses::code;
    const Var adversarial = model(tape, tape.input(x_adv), Pass::train());
    if (extra) model.predict(context.engine, x_adv, Pass::train());
    std::optional<Var> clean;
    if (on || alpha < 1) clean = model(tape, tape.input(batch.images), Pass::train());
    if (extra && (on || alpha == 1)) model.predict(context.engine, batch.images, Pass::train());

    std::optional<Var> trust;
    if (on) {
      const Tensor attacked = context.once("attacked teacher", [&] { return teacher.logits(context, x_adv); });
      trust = introspection.trust(tape, attacked, batch.labels);
      context.log("trust", mean(tape, *trust));
    }
    Var all = teacher_term(tape, adversarial, taught, trust);
    context.log("distillation", all);
    if (on) {
      const Var own = introspection.loss(tape, adversarial, *clean, *trust);
      context.log("introspection", own);
      all = add(tape, all, own);
    }
    if (alpha == 1) return all;
    const Var clean_loss = targets.cross_entropy(tape, *clean, batch);
    context.log("clean_loss", clean_loss);
    return add(tape, scale(tape, all, alpha), clean_loss, 1 - alpha);
  }

 private:
  Var teacher_term(Tape& tape, const Var& adversarial, const Tensor& taught, const std::optional<Var>& trust) const {
    if (!trust || teacher_weight == TeacherWeight::one) return distillation(tape, adversarial, taught, temperature);
    return mean(tape, mul(tape, distillation(tape, adversarial, taught, temperature, Reduction::none), *trust));
  }
};

TEMPER_REGISTER(Trainer, IadI, "iad_i", "ard, and the student's own answer where the teacher fails (Zhu et al.)");

}  // namespace

}  // namespace temper
