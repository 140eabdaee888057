#include "trainers/optimizers/averages.h"

#include <algorithm>

#include "data/loader.h"
#include "kernels/ema/ema.h"

namespace temper {

namespace {

void blend(Stream stream, ScalarArg<double> keep, const ParamBuffer& x, ParamBuffer& average,
           ScalarArg<uint32_t> moves = 1) {
  dispatch_full(x.dtype(), [&](auto tag) {
    using T = decltype(tag);
    ema<T>(stream, x.layout().size(), average.all().as<T>(), x.all().as<T>(), keep, moves);
  });
  average.bump_version();
}

void bn_field(Fields& f, AverageBn& bn) {
  f.choice(
      "bn", bn,
      {{"copy", AverageBn::copy},
       {"average", AverageBn::average},
       {"estimate", AverageBn::estimate},
       {"estimate_all", AverageBn::estimate_all}},
      "BatchNorm statistics of the average: copied from the network; averaged, too; or estimated in one pass over "
      "the training images; estimate_all: in that pass the attacks' forward passes count, too, as in AR-AT's code");
}

}  // namespace

void EmaOptions::fields(Fields& f) {
  f("decay", decay, Limits::at_least(0).below(1), "decay of the average per step, such as 0.999; 0: no average");
  f("warm_up", warm_up, "keep only 1 - 1/(t + 1) at step t until that reaches the decay");
  bn_field(f, bn);
}

void SwaOptions::fields(Fields& f) {
  f("start", start, Limits::at_least(0), "first epoch (1-based) whose weights are averaged; 0: no average");
  f("every", every, Limits::at_least(0), "steps between samples; 0: one at the end of every epoch");
  f.choice("count", count, {{"done", Count::done}, {"ahead", Count::ahead}},
           "how steps are counted for `every`: steps done or, as in AR-AT's code, epoch (from 1) * steps per epoch + "
           "step (from 0)");
  bn_field(f, bn);
}

bool SwaOptions::due(int64_t epoch, int64_t done, int64_t steps) const {
  if (!on() || epoch < start) return false;
  if (every == 0) return done == steps;
  return (count == Count::done ? (epoch - 1) * steps + done : epoch * steps + done - 1) % every == 0;
}

Average::Average(Engine& engine, const Network& network) : weights_(network.make_weights(engine)) {
  network.copy_weights(weights_, network.weights());
}

void Average::add(Engine& engine, const Network& network, double keep, AverageBn bn) {
  add_parameters(engine, network, keep);
  add_statistics(engine, network, keep, bn);
}

void Average::add_parameters(Engine& engine, const Network& network, ScalarArg<double> keep,
                             ScalarArg<uint32_t> moves) {
  blend(engine.stream(), keep, network.weights().params, weights_.params, moves);
}

void Average::add_statistics(Engine& engine, const Network& network, double keep, AverageBn bn) {
  if (bn == AverageBn::average) blend(engine.stream(), keep, network.weights().buffers, weights_.buffers);
  ++count_;
}

void Average::visit_state(StateVisitor& v, const std::string& name) {
  v(name + ".count", count_);
  v(name + ".params", weights_.params);
  v(name + ".buffers", weights_.buffers);
}

double ema_keep(const EmaOptions& options, int64_t t) {
  return options.warm_up ? std::min(1 - 1 / (static_cast<double>(t) + 1), options.decay) : options.decay;
}

void estimate_bn(Engine& engine, const Network& network, Weights& weights, const BnEstimate& estimate) {
  if (network.buffers().count() == 0) return;
  if (&weights != &network.weights()) weights.buffers.copy_from(network.weights().buffers);
  int64_t seen = 0;
  double share = 1;
  for (int64_t b = 0; b < estimate.images.batches(); ++b) {
    const Arena::Scope scope(engine.arena());
    const Batch batch = estimate.images.load(estimate.epoch, b);
    const Tensor images = estimate.take ? estimate.take(batch, share) : batch.images;
    seen += batch.size();
    // 1 for the first batch, which discards the old value; then each batch's share of all so far.
    share = static_cast<double>(batch.size()) / static_cast<double>(seen);
    network.predict(engine, images, {.momentum = share, .branch = estimate.branch, .weights = &weights});
  }
}

}  // namespace temper
