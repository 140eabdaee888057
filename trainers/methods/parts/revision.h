#pragma once
#include "trainers/trainer.h"

namespace temper {

/// The `revision` section of CURE. The defaults are the paper's.
struct RevisionOptions {
  enum class Kind : uint8_t { average, alias };
  enum class Bn : uint8_t { train, eval };
  enum class DecayEvery : uint8_t { step, epoch };

  double rate = 0.2;       ///< r: the chance of a revision after a step
  double keep = 0.999;     ///< d
  bool warm_up = false;    ///< the code's: keep min(1 - 1/(t + 1), d) at step t
  int64_t decay_from = 0;  ///< first epoch (1-based) in which the rate falls; 0: never
  double decay_factor = 0.5;
  DecayEvery decay_every = DecayEvery::step;
  Bn bn = Bn::train;
  Kind kind = Kind::average;

  void fields(Fields& f);
  /// Holds them against a run of so many epochs; `f` is the section above this one.
  void check(const Fields& f, int64_t epochs) const;
};

/// CURE's stochastic revision model: weights of the network's layout that follow it now and then,
///   rev <- a rev + (1 - a) theta   with probability r, after a step,
/// parameters only: its BatchNorm statistics are those of its own forward passes. Kind `alias` is what becomes of that
/// in the official code of CURE_Eff, where both share the memory of their parameters: rev *= a is theta *= a, and rev
/// += (1 - a) theta makes it a (2 - a) theta.
class Revision {
 public:
  Revision(Engine& engine, const Network& network, const RevisionOptions& options);

  /// Takes over the network's numbers, statistics too.
  void start(const Network& network);
  /// Its logits for images, in the engine's arena; a constant for every tape.
  Tensor predict(const TrainContext& context, const Tensor& images);
  bool is_alias() const { return options_.kind == RevisionOptions::Kind::alias; }
  /// Of an alias, the share of theta that the revision after the step that comes next takes off, (1 - a)^2; 0: there is
  /// no revision after it.
  double shrinkage(const TrainContext& context) const;
  /// After the optimiser's step: draws, and revises if the draw says so.
  void after_step(const TrainContext& context);

  /// The chance of a revision after the step that comes next, and how often there was one.
  double rate(const Watched& epoch) const;
  int64_t revisions() const { return revisions_; }
  Weights& weights() { return weights_; }
  void visit_state(StateVisitor& v);

 private:
  double rate(const Watched& epoch, int64_t decays) const;
  bool falls(const Watched& epoch) const { return options_.decay_from > 0 && epoch >= options_.decay_from; }
  /// What a revision after the step that comes next keeps; none: there is none.
  std::optional<double> drawn(const TrainContext& context) const;

  RevisionOptions options_;
  Weights weights_;
  int64_t steps_ = 0, decays_ = 0, revisions_ = 0;
};

}  // namespace temper
