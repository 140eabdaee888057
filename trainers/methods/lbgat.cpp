// LBGAT, learnable boundary guided adversarial training (Cui et al. 2021): a robust network learns for adversarial
// images the logits of a natural one, which is trained with it.
#include "core/ops/elementwise.h"
#include "trainers/methods/parts/class_targets.h"
#include "trainers/methods/parts/clean_pass.h"
#include "trainers/methods/parts/kl_attack.h"
#include "trainers/methods/parts/other_network.h"

namespace temper {

namespace {

/// Robust f, natural g, from one optimiser:
///   mean (f(x')_c - g(x)_c)^2 + CE(g(x), y) + beta KL(p_f(x) || p_f(x')),
/// the first over images and classes, with gradients into both networks. There is no cross entropy of f. The attack is
/// that of TRADES on f; g always has batch statistics. f is the network of the run.
struct Lbgat : Trainer {
  float beta = 0;
  ClassTargets targets;
  KlAttack attack;
  CleanPass clean_pass = CleanPass::needed;
  OtherNetwork natural{"natural", "small_cnn"};

  void fields(Fields& f) override {
    f("beta", beta, Limits::at_least(0).usually(0, 100), "weight of KL(clean || adversarial): 0 or 6 in the paper");
    targets.fields(f);
    attack.fields(f);
    clean_pass_field(f, clean_pass);
    Fields own = f.enter(natural.name().c_str());
    natural.fields(own);
    f.leave(natural.name().c_str(), own);
  }

  std::vector<const Attack*> attacks() const override { return {&attack.pgd}; }
  void begin(TrainContext& context) override { natural.begin(context); }
  std::vector<MethodPart> parts() override { return {natural.part(MethodPart::Moved::with_network)}; }

  Var loss(Tape& tape, const Batch& batch, const TrainContext& context) override {
    const Network& model = context.model;
    const Tensor x_adv = attack.images(context, batch);
    const Var adversarial = model(tape, tape.input(x_adv), Pass::train());
    std::optional<Var> clean;
    if (beta > 0)
      clean = model(tape, tape.input(batch.images), Pass::train());
    else if (clean_pass == CleanPass::always)
      model.predict(context.engine, batch.images, Pass::train());
    const Var guide = natural.network()(tape, tape.input(batch.images), Pass::train());
    const Var boundary = mean_squared_error(tape, adversarial, guide);
    const Var natural_loss = targets.cross_entropy(tape, guide, batch);
    context.log("boundary", boundary);
    context.log("natural_loss", natural_loss);
    const Var guided = add(tape, boundary, natural_loss);
    if (!clean) return guided;
    const Var kl = kl_divergence(tape, adversarial, *clean);
    context.log("kl", kl);
    return add(tape, guided, kl, beta);
  }
};

TEMPER_REGISTER(Trainer, Lbgat, "lbgat", "the logits of a natural network that is trained as well (Cui et al.)");

}  // namespace

}  // namespace temper
