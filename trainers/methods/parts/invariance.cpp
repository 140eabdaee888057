#include "trainers/methods/parts/invariance.h"

#include <algorithm>

#include "core/ops/elementwise.h"
#include "core/ops/loss.h"
#include "core/ops/pool.h"
#include "core/text.h"
#include "kernels/runtime/memory.h"

namespace temper {

namespace {

using Names = std::vector<std::string>;

/// Runs one black image through the network and hands the taps to `look` while their values live.
template <class F>
void look_inside(Engine& engine, const Network& network, const Names& names, F look) {
  const DataShape& d = network.options().data;
  Tape tape(engine, Wrt::nothing);
  const Tensor image = tape.alloc({1, d.height, d.width, d.channels}, network.options().dtype);
  set_zero(engine.stream(), image.data, image.bytes());
  Taps taps(names);
  Pass pass = Pass::eval();
  pass.taps = &taps;
  network(tape, tape.input(image), pass);
  look(taps);
}

Names matching(const Names& all, const std::string& glob) {
  Names found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [&](const std::string& name) { return glob_matches(glob, name); });
  return found;
}

/// The papers' choices for ResNet-18 (its layer4) and WRN-34-10, carried over to smaller relatives.
Names usual_layers(const Names& all) {
  const std::vector<Names> choices = {{"layer4.*.bn1.relu", "layer4.*.bn2"},
                                      {"layer3.*.bn1.relu", "layer3.*.bn2"},
                                      {"block3.layer.*.bn?.relu", "features"}};
  for (const Names& globs : choices)
    if (!matching(all, globs.front()).empty()) return globs;
  Names relus = matching(all, "*.relu");
  if (relus.empty()) return {"features"};
  if (relus.size() > 2) relus.erase(relus.begin(), relus.end() - 2);
  return relus;
}

/// Layers whose output is positive without a ReLU after them.
bool follows_relu(const std::string& layer) { return layer == "features" || layer.ends_with(".relu"); }

Var pooled(Tape& tape, const std::string& layer, const Var& x) {
  const Var positive = follows_relu(layer) ? x : relu(tape, x);
  return positive.value.shape.rank() == 4 ? global_avg_pool(tape, positive) : positive;
}

}  // namespace

void InvarianceOptions::fields(Fields& f) {
  f("lambda", lambda, Limits::at_least(0).usually(0, 1000),
    "weight of the mean over the layers: 30 for ResNet-18, 100 for WRN-34-10 in the paper");
  f("layers", layers,
    "names of layers, or globs; []: those of the paper for ResNets and Wide ResNets, else the last two ReLUs");
  f.choice("gradient", gradient,
           {{"adversarial", Gradient::adversarial},
            {"clean", Gradient::clean},
            {"both", Gradient::both},
            {"symmetric", Gradient::symmetric}},
           "which side's features move towards the other's; both: half of each, the other side stopped; symmetric: no "
           "stop-gradient");
  f.choice("predictor", predictor,
           {{"none", Predictor::none},
            {"adversarial", Predictor::adversarial},
            {"clean", Predictor::clean},
            {"both", Predictor::both}},
           "which side's features pass a predictor");
  f.choice("heads", heads, {{"own", Heads::own}, {"shared", Heads::shared}},
           "with predictor: both, one predictor for each side (code), or one for both");
  f.choice("metric", metric, {{"cosine", Metric::cosine}, {"mse", Metric::mse}, {"kl", Metric::kl}},
           "distance of two feature vectors");
  f("temperature", temperature, Limits::above(0).usually(0.01, 100), "of metric kl");
  f.choice("kl_factor", kl_factor, {{"temperature_squared", KlFactor::temperature_squared}, {"none", KlFactor::none}},
           "with metric: kl, its factor: temperature^2 (code) or none");
}

Invariance::Invariance(Engine& engine, const Network& network, const InvarianceOptions& options) : options_(options) {
  Names all;
  look_inside(engine, network, {}, [&](const Taps& taps) { all = taps.seen(); });
  for (const std::string& glob : options.layers.empty() ? usual_layers(all) : options.layers) {
    const Names found = matching(all, glob);
    TEMPER_CHECK(!found.empty(), "invariance.layers: no layer of this network is called '", glob, "'",
                 did_you_mean(glob, all), " (known: ", join(all), ")");
    for (const std::string& name : found)
      if (std::find(layers_.begin(), layers_.end(), name) == layers_.end()) layers_.push_back(name);
  }
  if (options.predictor == InvarianceOptions::Predictor::none) return;
  std::vector<Predictors::Feature> features;
  look_inside(engine, network, layers_, [&](const Taps& taps) {
    const bool two = options.predictor == Side::both && options.heads == InvarianceOptions::Heads::own;
    for (const std::string& end : two ? Names{"", ".clean"} : Names{""})
      for (const std::string& name : layers_) features.push_back({name + end, taps.at(name).value.shape[-1]});
  });
  const Network::Options& o = network.options();
  // Another seed than the network's, or predictors would start with its numbers.
  predictors_ = std::make_unique<Predictors>(engine, features, o.dtype, ~o.seed);
}

Var Invariance::distance(Tape& tape, const Var& moved, const Var& target) const {
  const float t = options_.temperature;
  switch (options_.metric) {
    case InvarianceOptions::Metric::mse: return mean_squared_error(tape, moved, target);
    case InvarianceOptions::Metric::kl: {
      const Var kl = kl_divergence(tape, moved, target, Reduction::mean, t);
      return options_.kl_factor == InvarianceOptions::KlFactor::none || t == 1 ? kl : scale(tape, kl, t * t);
    }
    default: return cosine_distance(tape, moved, target);
  }
}

Var Invariance::predicted(Tape& tape, size_t i, Side side, const Var& features) const {
  if (options_.predictor != side && options_.predictor != Side::both) return features;
  const bool second =
      side == Side::clean && options_.predictor == Side::both && options_.heads == InvarianceOptions::Heads::own;
  return (*predictors_)(tape, second ? layers_.size() + i : i, features);
}

// Predictors in order, what moves first: each pass moves their statistics.
Var Invariance::layer_loss(Tape& tape, size_t i, const Var& adversarial, const Var& clean) const {
  using Gradient = InvarianceOptions::Gradient;
  const Var a = pooled(tape, layers_[i], adversarial), c = pooled(tape, layers_[i], clean);
  if (options_.gradient == Gradient::clean) {
    const Var moved = predicted(tape, i, Side::clean, c);
    return distance(tape, moved, predicted(tape, i, Side::adversarial, stop_gradient(a)));
  }
  const Var moved = predicted(tape, i, Side::adversarial, a);
  switch (options_.gradient) {
    case Gradient::symmetric: return distance(tape, moved, predicted(tape, i, Side::clean, c));
    case Gradient::both: {
      const Var first = distance(tape, moved, stop_gradient(c)), clean_moved = predicted(tape, i, Side::clean, c);
      return scale(tape, add(tape, first, distance(tape, clean_moved, stop_gradient(a))), 0.5f);
    }
    default: return distance(tape, moved, predicted(tape, i, Side::clean, stop_gradient(c)));
  }
}

Var Invariance::loss(Tape& tape, const Taps& adversarial, const Taps& clean) const {
  Var sum;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Var one = layer_loss(tape, i, adversarial.at(layers_[i]), clean.at(layers_[i]));
    sum = i == 0 ? one : add(tape, sum, one);
  }
  return scale(tape, sum, 1.f / static_cast<float>(layers_.size()));
}

}  // namespace temper
