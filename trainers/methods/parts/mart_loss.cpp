#include "trainers/methods/parts/mart_loss.h"

#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"

namespace temper {

void MartLoss::fields(Fields& f) {
  f("beta", beta, Limits::at_least(0).usually(0, 100), "weight of the KL term: 5 for ResNet-18, 6 for WRN-34-10");
  targets.fields(f);
}

Var MartLoss::operator()(Tape& tape, const TrainContext& context, const Batch& batch, const PairedLogits& of) const {
  TEMPER_CHECK(!batch.other_labels, "mart: expected one label for each image, because the loss asks how sure the ",
               "network is of it, got images mixed from two; leave out the augmentation that mixes them");
  const Var p = softmax(tape, of.clean), q = softmax(tape, of.adversarial);
  const Var runner_up = row_max(tape, q, {.except = batch.labels});
  const Var margin = log(tape, one_minus(tape, runner_up, 1.0001), 1e-12);
  const Var boosted = add(tape, targets.cross_entropy(tape, of.adversarial, batch, Reduction::none), margin, -1.f);
  const Var log_ratio = add(tape, log_softmax(tape, of.clean), log(tape, q, 1e-12), -1.f);
  const Var kl = row_sum(tape, mul(tape, p, log_ratio));
  const Var weighted = mul(tape, kl, one_minus(tape, pick(tape, p, batch.labels), 1.0000001));

  const Var boosted_mean = mean(tape, boosted), weighted_mean = mean(tape, weighted);
  context.log("boosted_loss", boosted_mean);
  context.log("weighted_kl", weighted_mean);
  return add(tape, boosted_mean, weighted_mean, beta);
}

}  // namespace temper
