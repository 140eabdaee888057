#include "trainers/methods/parts/trades_loss.h"

#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"

namespace temper {

void TradesLoss::fields(Fields& f) {
  f("beta", beta, Limits::at_least(0).usually(0, 100), "weight of the KL term");
  targets.fields(f);
  f.choice("kl_gradient", kl_gradient,
           {{"both_sides", KlGradient::both_sides}, {"adversarial_only", KlGradient::adversarial_only}},
           "which logits the KL term trains; both_sides in paper and code");
}

Var TradesLoss::operator()(Tape& tape, const TrainContext& context, const Batch& batch, const PairedLogits& of,
                           const Tensor& betas) const {
  const Var target = kl_gradient == KlGradient::both_sides ? of.clean : stop_gradient(of.clean);
  const Var clean = targets.cross_entropy(tape, of.clean, batch);
  context.log("clean_loss", clean);
  if (betas) {
    const Var each = kl_divergence(tape, of.adversarial, target, Reduction::none);
    const Var weighted = mean(tape, mul(tape, each, {betas}));
    context.log("weighted_kl", weighted);
    return add(tape, clean, weighted);
  }
  const Var kl = kl_divergence(tape, of.adversarial, target);
  context.log("kl", kl);
  return add(tape, clean, kl, beta);
}

}  // namespace temper
