#include "analysis/conflict_meter.h"

#include <cmath>

#include "core/ops/pool.h"

namespace temper {

namespace {

/// Sums over the elements of some weights.
struct Agreement {
  double dot = 0, first = 0, second = 0;
  int64_t opposed = 0, count = 0;

  void add(double a, double b) {
    dot += a * b;
    first += a * a;
    second += b * b;
    opposed += a * b < 0;
    ++count;
  }
  double cosine() const { return dot / std::sqrt(first * second); }
  double conflict() const { return static_cast<double>(opposed) / static_cast<double>(count); }
};

}  // namespace

void ConflictOptions::fields(Fields& f) {
  f.list("pairs", pairs, "pairs to compare: first and second, each a list of terms to add");
  f("taps", taps, "layers whose output, averaged over the image, the invariance terms compare");
  f("clean_branch", clean_branch, "BatchNorm branch for clean images; empty: the first");
  f("adversarial_branch", adversarial_branch, "BatchNorm branch for adversarial images; empty: the method's own");
  f.section("attack", attack);
  if (pairs.empty()) f.reject("pairs", "expected at least one");
  if (taps.empty()) f.reject("taps", "expected at least one layer");
}

ConflictMeter::ConflictMeter(const ConflictOptions& options, Engine& engine, const Network& network, int robust_branch)
    : options_(options),
      engine_(engine),
      network_(network),
      natural_(options.clean_branch.empty() ? 0 : network.branch(options.clean_branch)),
      robust_(options.adversarial_branch.empty() ? robust_branch : network.branch(options.adversarial_branch)),
      layers_{"all"},
      first_(network.params(), network.options().dtype, engine.stream()),
      second_(network.params(), network.options().dtype, engine.stream()) {
  for (int i = 0; i < network.params().count(); ++i)
    if (network.params()[i].shape.rank() > 1) {
      compared_.push_back(i);
      layers_.push_back(network.params()[i].name);
    }
  cosine_.assign(options.pairs.size(), std::vector<double>(layers_.size()));
  conflict_ = cosine_;
}

void ConflictMeter::add(const Batch& batch, int64_t draw) {
  const Arena::Scope scope(engine_.arena());
  Tape tape(engine_, Wrt::params);
  const LossViews seen = views(tape, batch, draw);
  for (size_t p = 0; p < options_.pairs.size(); ++p) {
    tape.backward(sum_of_terms(tape, options_.pairs[p].first, seen), first_);
    tape.backward(sum_of_terms(tape, options_.pairs[p].second, seen), second_);
    std::vector<Agreement> sums(layers_.size());
    for (size_t l = 0; l < compared_.size(); ++l) {
      const std::vector<double> g = first_.read(compared_[l]), h = second_.read(compared_[l]);
      for (size_t i = 0; i < g.size(); ++i) {
        sums[0].add(g[i], h[i]);
        sums[l + 1].add(g[i], h[i]);
      }
    }
    for (size_t l = 0; l < sums.size(); ++l) {
      cosine_[p][l] += sums[l].cosine();
      conflict_[p][l] += sums[l].conflict();
    }
  }
  ++batches_;
}

// One forward of each kind of images; the losses of all pairs are built on it.
LossViews ConflictMeter::views(Tape& tape, const Batch& batch, int64_t draw) const {
  const auto pass_of = [](int branch) { return Pass{.bn = BnStats::batch, .update = BnUpdate::no, .branch = branch}; };
  const RngStream random(engine_.seed(), static_cast<uint32_t>(draw));
  const Tensor x_adv = options_.attack.run({engine_, batch, {network_, pass_of(robust_)}, random}).images;
  LossViews v{.labels = batch.labels};
  const auto see = [&](const Tensor& images, int branch, std::vector<Var>& features) {
    Taps tapped(options_.taps);
    Pass pass = pass_of(branch);
    pass.taps = &tapped;
    const Var logits = network_(tape, tape.input(images), pass);
    for (const std::string& name : options_.taps) {
      const Var at = tapped.at(name);
      features.push_back(at.value.shape.rank() == 4 ? global_avg_pool(tape, at) : at);
    }
    return logits;
  };
  v.natural = see(batch.images, natural_, v.natural_features);
  v.robust = see(x_adv, robust_, v.robust_features);
  return v;
}

std::vector<double> ConflictMeter::mean(std::vector<double> sums) const {
  for (double& s : sums) s /= static_cast<double>(batches_);
  return sums;
}

}  // namespace temper
