// Natural training: the cross entropy of clean images.
#include "trainers/methods/parts/class_targets.h"
#include "trainers/trainer.h"

namespace temper {

namespace {

struct Standard : Trainer {
  ClassTargets targets;

  void fields(Fields& f) override { targets.fields(f); }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Var logits = context.model(tape, tape.input(batch.images), Pass::train());
    const Var loss = targets.cross_entropy(tape, logits, batch);
    context.log("clean_loss", loss);
    return loss;
  }
};

TEMPER_REGISTER(Trainer, Standard, "standard", "natural training: cross entropy of clean images");

}  // namespace

}  // namespace temper
