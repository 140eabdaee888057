#include "trainers/methods/parts/paired_logits.h"

namespace temper {

PairedLogits train_passes(Tape& tape, const Network& network, const Tensor& clean, const Tensor& adversarial,
                          FirstPass first) {
  const auto pass = [&](const Tensor& images) { return network(tape, tape.input(images), Pass::train()); };
  PairedLogits out;
  if (first == FirstPass::adversarial) out.adversarial = pass(adversarial);
  out.clean = pass(clean);
  if (first == FirstPass::clean) out.adversarial = pass(adversarial);
  return out;
}

}  // namespace temper
