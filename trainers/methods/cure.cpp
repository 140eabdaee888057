#include "trainers/methods/cure.h"

#include "core/ops/elementwise.h"
#include "kernels/axpby/axpby.h"
#include "trainers/methods/parts/scalar.h"

namespace temper {

namespace {

constexpr const char* kShare = "revision_share";  ///< of the network, that an alias adds to it

}  // namespace

void Cure::fields(Fields& f) {
  f("beta", beta, Limits::at_least(0).usually(0, 100),
    "weight of KL(clean || adversarial): 1 in the paper, 5 in its code");
  f("gamma", gamma, Limits::at_least(0).usually(0, 100), "weight of the consistency loss; 0: no revision model");
  f.choice("step_loss", step_loss, {{"total", StepLoss::total}, {"weighted", StepLoss::weighted}},
           "loss of a step: CE + beta * KL (paper), or alpha * CE + (1 - alpha) * robust term (code, modes rgp, "
           "rgp_old, grad_mode all); both plus gamma * consistency");
  targets.fields(f);
  attack.fields(f);
  Fields warm_up = f.enter("warm_up");
  warm_up("epochs", warm_up_epochs, Limits::at_least(0),
          "natural epochs first; 0: start from model.weights, a network trained naturally");
  f.leave("warm_up", warm_up);
  f.section("rgp", rgp_options);
  f.section("revision", revision_options);
}

void Cure::check(const Fields& f, int64_t epochs) const {
  if (warm_up_epochs >= epochs)
    f.warn("warm_up.epochs", "all of training is natural, because loop.epochs is ", epochs, " and the warm-up takes ",
           warm_up_epochs);
  if (gamma > 0) revision_options.check(f, epochs);
}

void Cure::begin(TrainContext& c) {
  if (rgp_options.on()) rgp.emplace(c.engine, c.model, rgp_options);
  if (gamma > 0) revision.emplace(c.engine, c.model, revision_options);
}

void Cure::before_epoch(TrainContext& c) {
  if (revision && warm_up_epochs > 0 && c.epoch == warm_up_epochs + 1) revision->start(c.model);
}

Cure::Terms Cure::terms(Tape& tape, const Batch& batch, const TrainContext& c) {
  const Tensor x_adv = attack.images(c, batch);
  const Var natural = c.model(tape, tape.input(batch.images), Pass::train());
  const Var adversarial = c.model(tape, tape.input(x_adv), Pass::train());
  const Var kl = kl_divergence(tape, adversarial, natural);
  const bool robust_is_kl = rgp_options.robust == RgpOptions::RobustTerm::kl;
  Terms p{.natural = targets.cross_entropy(tape, natural, batch),
          .robust = robust_is_kl ? kl : targets.cross_entropy(tape, adversarial, batch)};
  c.log("clean_loss", p.natural);
  c.log("kl", kl);
  if (!robust_is_kl) c.log("adversarial_loss", p.robust);
  if (step_loss == StepLoss::weighted) {
    p.natural_weight = static_cast<float>(rgp_options.alpha);
    p.robust_weight = 1 - p.natural_weight;
  } else if (robust_is_kl) {
    p.robust_weight = beta;
  } else {
    p.rest = scale(tape, kl, beta);
  }
  if (revision) {
    // In this order: with bn: train, each forward moves the revision model's statistics.
    const Var of_clean = kl_divergence(tape, natural, {revision->predict(c, batch.images)});
    const Var of_adversarial = kl_divergence(tape, adversarial, {revision->predict(c, x_adv)});
    const Var consistency = add(tape, of_clean, of_adversarial);
    c.log("consistency", consistency);
    p.rest = p.rest ? add(tape, *p.rest, consistency, gamma) : scale(tape, consistency, gamma);
  }
  return p;
}

Var Cure::sum(Tape& tape, const Terms& p) {
  Var all = p.natural_weight == 1 ? p.natural : scale(tape, p.natural, p.natural_weight);
  if (p.robust_weight > 0) all = add(tape, all, p.robust, p.robust_weight);
  return p.rest ? add(tape, all, *p.rest) : all;
}

Var Cure::loss(Tape& tape, const Batch& batch, const TrainContext& c) {
  if (warming_up(c)) return targets.cross_entropy(tape, c.model(tape, tape.input(batch.images), Pass::train()), batch);
  return sum(tape, terms(tape, batch, c));
}

// Three backward passes on one tape: natural, robust, and what the step's loss has beyond those two.
void Cure::separate_gradients(TrainContext& c, const Batch& batch, ParamBuffer& total, const Tensor& loss) {
  Tape tape(c.engine, Wrt::params);
  const Terms p = terms(tape, batch, c);
  tape.backward(p.natural, rgp->natural());
  tape.backward(p.robust, rgp->robust());
  if (p.rest)
    tape.backward(*p.rest, total);
  else
    total.zero();
  dispatch_full(total.dtype(), [&](auto tag) {
    using T = decltype(tag);
    const auto add_to_total = [&](float weight, const ParamBuffer& g) {
      axpby<T>(c.engine.stream(), total.layout().size(), weight, g.all().as<T>(), 1.f, total.all().as<T>());
    };
    add_to_total(p.natural_weight, rgp->natural());
    if (p.robust_weight > 0) add_to_total(p.robust_weight, rgp->robust());
  });
  total.bump_version();
  put_scalar(c.engine, sum(tape, p).value, loss);
}

void Cure::write_gradients(TrainContext& c, const Batch& batch, std::span<const GradientBuffer> grads,
                           const Tensor& loss) {
  masks_ = rgp && !warming_up(c);
  if (masks_ && rgp_options.needs_both())
    separate_gradients(c, batch, grads[0].into, loss);
  else
    Trainer::write_gradients(c, batch, grads, loss);
  if (masks_) rgp->update(c.engine, grads[0].into);
}

std::vector<MethodPart> Cure::parts() {
  if (!revision) return {};
  return {{.name = "revision", .weights = &revision->weights()}};
}

void Cure::live_values(const MetricSink& put, const TrainContext& c) const {
  if (shrinks(c)) put(kShare, -revision->shrinkage(c));
}

Movement Cure::movement(const TrainContext& c) const {
  Movement m;
  if (masks_) m.mask = rgp->mask();
  if (shrinks(c)) m.share = c.live(kShare);
  return m;
}

void Cure::after_step(TrainContext& c, const Batch&) {
  if (revision && !warming_up(c)) revision->after_step(c);
}

void Cure::step_metrics(const MetricSink& to) const {
  if (masks_) rgp->metrics(to);
}

void Cure::visit_state(StateVisitor& v) {
  if (revision) revision->visit_state(v);
}

TEMPER_REGISTER(Trainer, Cure, "cure",
                "TRADES' terms, a revision model, a mask for all but prominent weights (Gowda et al.)");

}  // namespace temper
