#include "trainers/methods/parts/introspection.h"

#include "core/ops/elementwise.h"
#include "core/ops/loss.h"
#include "core/ops/per_sample.h"

namespace temper {

void Introspection::fields(Fields& f) {
  f("beta", beta, Limits::at_least(0).usually(0, 10),
    "exponent of the teacher's probability of the label; 0: full trust");
  Fields warm_up = f.enter("warm_up");
  warm_up("epochs", warm_up_epochs, Limits::at_least(0), "epochs in which the teacher is fully trusted first");
  f.leave("warm_up", warm_up);
  f.choice("introspection_gradient", gradient,
           {{"both_sides", Gradient::both_sides}, {"adversarial_only", Gradient::adversarial_only}},
           "which logits the student's own term trains: both (code), or those of adversarial images alone");
}

void Introspection::check(const Fields& f, int64_t epochs) const {
  if (warm_up_epochs >= epochs)
    f.warn("warm_up.epochs", "the student never introspects, because loop.epochs is ", epochs,
           " and the warm-up takes ", warm_up_epochs);
}

Var Introspection::trust(Tape& tape, const Tensor& teacher, const Tensor& labels) const {
  return exp(tape, scale(tape, pick(tape, log_softmax(tape, {teacher}), labels), beta));
}

Var Introspection::loss(Tape& tape, const Var& adversarial, const Var& clean, const Var& trust) const {
  const Var opinion = gradient == Gradient::both_sides ? clean : stop_gradient(clean);
  const Var kl = kl_divergence(tape, adversarial, opinion, Reduction::none);
  return mean(tape, mul(tape, kl, one_minus(tape, trust)));
}

}  // namespace temper
