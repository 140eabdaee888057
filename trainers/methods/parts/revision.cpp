#include "trainers/methods/parts/revision.h"

#include <cmath>

#include "kernels/ema/ema.h"
#include "kernels/runtime/philox.h"
#include "trainers/optimizers/averages.h"

namespace temper {

void RevisionOptions::fields(Fields& f) {
  f("rate", rate, Limits::between(0, 1), "r: probability of an update of the revision model after a step");
  f("keep", keep, Limits::between(0, 1).usually(0, 0.999999), "d: decay of the revision model per revision");
  f("warm_up", warm_up, "keep only 1 - 1/(t + 1) at step t until that reaches d, as in the code");
  f("decay_from", decay_from, Limits::at_least(0),
    "first epoch (1-based) in which the rate is reduced; 0: never; the code's option: 101");
  f("decay_factor", decay_factor, Limits::between(0, 1), "factor of each reduction");
  f.choice("decay_every", decay_every, {{"step", DecayEvery::step}, {"epoch", DecayEvery::epoch}},
           "how often the rate is reduced; step: as in the code, which soon ends all revisions");
  f.choice("bn", bn, {{"train", Bn::train}, {"eval", Bn::eval}},
           "BatchNorm of the revision model: batch statistics, which update its running ones (code), or running ones");
  f.choice(
      "kind", kind, {{"average", Kind::average}, {"alias", Kind::alias}},
      "alias: both share one memory, as in the code of CURE_Eff: the consistency loss is 0, and a revision that keeps "
      "a multiplies the network's parameters by a (2 - a)");
}

void RevisionOptions::check(const Fields& f, int64_t epochs) const {
  if (decay_from > epochs)
    f.warn("revision.decay_from", "epoch ", decay_from, " never comes, because loop.epochs is ", epochs);
}

Revision::Revision(Engine& engine, const Network& network, const RevisionOptions& options)
    : options_(options), weights_(network.make_weights(engine)) {
  start(network);
}

void Revision::start(const Network& network) { network.copy_weights(weights_, network.weights()); }

Tensor Revision::predict(const TrainContext& context, const Tensor& images) {
  Pass pass = options_.bn == RevisionOptions::Bn::train ? Pass::train() : Pass::eval();
  pass.weights = &weights_;
  return context.model.predict(context.engine, images, pass);
}

double Revision::rate(const Watched& epoch, int64_t decays) const {
  const int64_t times = options_.decay_every == RevisionOptions::DecayEvery::step ? decays
                        : falls(epoch)                                            ? epoch - options_.decay_from + 1
                                                                                  : 0;
  return options_.rate * std::pow(options_.decay_factor, static_cast<double>(times));
}
double Revision::rate(const Watched& epoch) const { return rate(epoch, decays_); }

std::optional<double> Revision::drawn(const TrainContext& context) const {
  const RngKey key{
      .seed = context.engine.seed(), .stream_id = RngStreamId::method, .step = static_cast<uint32_t>(context.step)};
  if (random_uniform(key, 0, 0) >= rate(context.epoch, decays_ + falls(context.epoch))) return {};
  return ema_keep({.decay = options_.keep, .warm_up = options_.warm_up}, steps_ + 1);
}

double Revision::shrinkage(const TrainContext& context) const {
  const double moved = 1 - drawn(context).value_or(1);
  return moved * moved;
}

void Revision::after_step(const TrainContext& context) {
  const std::optional<double> keep = drawn(context);
  ++steps_;
  decays_ += falls(context.epoch);
  if (keep) ++revisions_;
  const ParamBuffer& theta = context.model.weights().params;
  if (is_alias()) return weights_.params.copy_from(theta);
  if (!keep) return;
  dispatch_full(theta.dtype(), [&](auto tag) {
    using T = decltype(tag);
    ema<T>(context.engine.stream(), theta.layout().size(), weights_.params.all().as<T>(), theta.all().as<T>(), *keep);
  });
  weights_.params.bump_version();
}

void Revision::visit_state(StateVisitor& v) {
  v.unrecorded("revision.steps", steps_);
  v.unrecorded("revision.decays", decays_);
  v.unrecorded("revision.revisions", revisions_);
}

}  // namespace temper
