// The distillation of KD-SWA (Chen et al. 2021, "Robust Overfitting may be mitigated by properly learned smoothening"):
// adversarial training towards the labels and the softened answers of a robust and a natural teacher. Its averaged
// weights are the section `swa`.
#include "core/ops/elementwise.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/distillation.h"
#include "trainers/methods/parts/label_attack.h"
#include "trainers/methods/parts/two_teachers.h"

namespace temper {

namespace {

/// With a robust teacher r, a natural teacher n and H_T(t, s) = -T^2 sum softmax(t / T) log softmax(s / T),
///   (1 - w_r - w_n) CE(s(x'), y) + w_n H_T(n(x'), s(x')) + w_r H_T(r(x'), s(x')).
/// The defaults are the official code's.
struct KdSwa : Trainer {
  float temperature = 2;
  TwoTeachers teachers{0.6, 0.1};
  ClassTargets targets;
  LabelAttack attack{{}};

  void fields(Fields& f) override {
    f("temperature", temperature, Limits::above(0).usually(1, 100), "T, which divides logits in the teachers' terms");
    targets.fields(f);
    attack.fields(f);
    teachers.fields(f);
  }

  void check(const Fields& f, int64_t /*epochs*/) const override { teachers.check(f); }
  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }
  void begin(TrainContext& context) override { teachers.begin(context); }
  std::vector<MethodPart> parts() override { return teachers.parts(); }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Tensor x_adv = attack.images(context, batch);
    const Tensor robust = context.once("teacher", [&] { return teachers.robust.logits(context, x_adv); });
    const Tensor natural = context.once("natural teacher", [&] { return teachers.natural.logits(context, x_adv); });
    const Var student = context.model(tape, tape.input(x_adv), Pass::train());
    const Var labels = targets.cross_entropy(tape, student, batch);
    const Var of_natural = soft_distillation(tape, student, natural, temperature);
    const Var of_robust = soft_distillation(tape, student, robust, temperature);
    context.log("adversarial_loss", labels);
    context.log("natural_distillation", of_natural);
    context.log("distillation", of_robust);
    const Var rest = add(tape, scale(tape, labels, teachers.label_weight()), of_natural, teachers.natural_weight);
    return add(tape, rest, of_robust, teachers.robust_weight);
  }
};

TEMPER_REGISTER(Trainer, KdSwa, "kd_swa",
                "adversarial training with a robust and a natural teacher, for averaged weights (Chen et al.)");

}  // namespace

}  // namespace temper
