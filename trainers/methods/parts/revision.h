#pragma once
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// The `revision` section of CURE. The defaults are the paper's.
struct RevisionOptions {
  enum class Kind : uint8_t { average, alias };
  enum class Bn : uint8_t { train, eval };
  enum class DecayEvery : uint8_t { step, epoch };

  double rate = 0.2;       ///< r: the probability of a revision after a step
  double keep = 0.999;     ///< d
  bool warm_up = false;    ///< as in the official code: keep min(1 - 1/(t + 1), d) at step t
  int64_t decay_from = 0;  ///< first epoch (1-based) in which the rate falls; 0: never
  double decay_factor = 0.5;
  DecayEvery decay_every = DecayEvery::step;
  Bn bn = Bn::train;
  Kind kind = Kind::average;

  void fields(Fields& f);
  /// Checks them against the number of epochs of the run; `f` is the section above this one.
  void check(const Fields& f, int64_t epochs) const;
};

/// CURE's stochastic revision model: a second set of weights for the network, updated at random,
///   rev <- a rev + (1 - a) theta   with probability r, after a step.
/// Only parameters are averaged; its BatchNorm statistics come from its own forward passes. Kind `alias` reproduces the
/// official code of CURE_Eff, in which both share the memory of their parameters: rev *= a is then theta *= a, and
/// rev += (1 - a) theta gives a (2 - a) theta.
class Revision {
 public:
  Revision(Engine& engine, const Network& network, const RevisionOptions& options);

  /// Copies the network's parameters and statistics.
  void start(const Network& network);
  /// Its logits for images, in the engine's arena, without a tape.
  Tensor predict(const TrainContext& context, const Tensor& images);
  bool is_alias() const { return options_.kind == RevisionOptions::Kind::alias; }
  /// For an alias: the share of theta that the revision after the next step subtracts, (1 - a)^2; 0 if there is none.
  double shrinkage(const TrainContext& context) const;
  /// After the optimiser's step: a revision with probability rate().
  void after_step(const TrainContext& context);

  /// The probability of a revision after the next step, and the number of revisions so far.
  double rate(const Watched& epoch) const;
  int64_t revisions() const { return revisions_; }
  Weights& weights() { return weights_; }
  void visit_state(StateVisitor& v);

 private:
  double rate(const Watched& epoch, int64_t decays) const;
  bool falls(const Watched& epoch) const { return options_.decay_from > 0 && epoch >= options_.decay_from; }
  /// The factor a of the revision after the next step; empty if there is none.
  std::optional<double> drawn(const TrainContext& context) const;

  RevisionOptions options_;
  Weights weights_;
  int64_t steps_ = 0, decays_ = 0, revisions_ = 0;
};

}  // namespace temper
