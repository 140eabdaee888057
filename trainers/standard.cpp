// Natural training: the cross entropy of images as they are.
#include "trainers/trainer.h"

namespace temper {

namespace {

struct Standard : Trainer {
  float smoothing = 0;

  void fields(Fields& f) override {
    f("label_smoothing", smoothing, "share of the target spread over all classes");
    if (smoothing < 0 || smoothing >= 1)
      f.reject("label_smoothing", "expected a share from 0 up to 1, got ", smoothing);
  }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Var logits = context.model(tape, tape.input(batch.images), Pass::train());
    return cross_entropy(tape, logits, batch.labels, Reduction::mean, smoothing);
  }

  std::string recording(const TrainContext&) const override { return "standard"; }
};

TEMPER_REGISTER(Trainer, Standard, "standard", "natural training: cross entropy of clean images");

}  // namespace

}  // namespace temper
