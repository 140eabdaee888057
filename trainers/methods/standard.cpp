// Natural training: the cross entropy of clean images.
#include "trainers/trainer.h"

namespace temper {

namespace {

struct Standard : Trainer {
  float smoothing = 0;

  void fields(Fields& f) override {
    f("label_smoothing", smoothing, Limits::at_least(0).below(1).usually(0, 0.5),
      "share of the target spread over all classes");
  }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Var logits = context.model(tape, tape.input(batch.images), Pass::train());
    const Var loss = cross_entropy(tape, logits, batch.labels, Reduction::mean, smoothing);
    context.log("clean_loss", loss);
    return loss;
  }
};

TEMPER_REGISTER(Trainer, Standard, "standard", "natural training: cross entropy of clean images");

}  // namespace

}  // namespace temper
