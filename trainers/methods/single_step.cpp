#include "trainers/methods/single_step.h"

namespace temper {

void SingleStep::fields(Fields& f) {
  f.section("attack", attack);
  attack_bn_field(f, attack_bn);
  targets.fields(f);
}

Var SingleStep::loss(Tape& tape, const Batch& batch, const TrainContext& context) {
  const Network& model = context.model;
  const Tensor x_adv = context.once("attack", [&] {
    return attack.run({context.engine, batch, {model, attack_pass(attack_bn)}, context.random("attack")}).images;
  });
  const Var loss = targets.cross_entropy(tape, model(tape, tape.input(x_adv), Pass::train()), batch);
  context.log("adversarial_loss", loss);
  return loss;
}

namespace {

struct FgsmRs : SingleStep {
  FgsmRs() : SingleStep({.step = 10.0 / 255}) {}
};
struct NFgsm : SingleStep {
  NFgsm() : SingleStep({.step = 8.0 / 255, .noise = 2, .project = RandomFgsmOptions::Project::none}) {}
};

TEMPER_REGISTER(Trainer, FgsmRs, "fgsm_rs", "cross entropy of one step from a random start (Wong et al.)");
TEMPER_REGISTER(Trainer, NFgsm, "n_fgsm", "one step from stronger noise, not projected (de Jorge et al.)");

}  // namespace

}  // namespace temper
