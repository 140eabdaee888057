// ST-AT, squeeze training (Li et al. 2023): clean cross entropy + beta * the largest discrepancy found in the ball.
#include "core/ops/elementwise.h"
#include "core/ops/per_sample.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/squeeze.h"
#include "trainers/trainer.h"

namespace temper {

namespace {

struct StAt : Trainer {
  float beta = 6;
  ClassTargets targets;
  Squeeze squeeze;

  void fields(Fields& f) override {
    f("beta", beta, Limits::at_least(0).usually(0, 100), "weight of the discrepancy");
    targets.fields(f);
    squeeze.fields(f);
  }

  std::vector<const Attack*> attacks() const override { return {&squeeze.pgd}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const int64_t n = batch.size();
    const Tensor points = squeeze.points(context, batch);
    // In this order, and of the collaborative images nothing goes into the running statistics.
    const Var collaborative = model(tape, tape.input(points.rows(n, n)), {.update = BnUpdate::no});
    const Var natural = model(tape, tape.input(batch.images), Pass::train());
    const Var adversarial = model(tape, tape.input(points.rows(0, n)), Pass::train());
    const Extremes::Logits logits{natural, collaborative, adversarial};
    const Extremes extremes(context.engine, n, natural.value.dtype);
    extremes.find(tape, logits, batch.labels);
    const Var clean = targets.cross_entropy(tape, natural, batch);
    const Var discrepancy = mean(tape, squeeze.discrepancy(tape, extremes, logits));
    context.log("clean_loss", clean);
    context.log("discrepancy", discrepancy);
    return add(tape, clean, discrepancy, beta);
  }
};

TEMPER_REGISTER(Trainer, StAt, "st_at", "clean cross entropy + beta * symmetric KL of the extreme points (Li et al.)");

}  // namespace

}  // namespace temper
