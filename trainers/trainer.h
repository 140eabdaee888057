#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attacks/attack.h"
#include "core/config.h"
#include "core/registry.h"
#include "data/loader.h"
#include "kernels/sgd_step/sgd_step.h"
#include "nn/module.h"
#include "trainers/term_weights.h"

namespace temper {

/// Visits what a bit-exact resume needs beyond model and optimiser: numbers and flat buffers, by name. The same visit
/// writes a checkpoint and reads it back.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void operator()(const std::string& name, double& value) = 0;
  virtual void operator()(const std::string& name, int64_t& value) = 0;
  virtual void operator()(const std::string& name, Flat& buffer) = 0;
};

/// What a trainer works with, owned by the loop.
struct TrainContext {
  Engine& engine;
  Network& model;
  int64_t epoch = 0;  ///< 1-based
  int64_t step = 0;   ///< optimiser steps done before this one, over the whole run
  int64_t epochs = 0;
  Loader* train = nullptr;                         ///< the training images, augmented; null outside a training run
  Loader* validation = nullptr;                    ///< the images held out of them; null: none
  std::optional<Live<uint32_t>> live_epoch = {};   ///< the epoch, where a recorded step finds it
  std::optional<LiveTermWeights> live_terms = {};  ///< the method's term_weights() likewise

  mutable std::vector<std::string> asked_random = {};  ///< what random() was asked for since begin_step()

  /// The random numbers of this name for the batch, others in every epoch. Throws Error if this step has asked for the
  /// name before, because two users would draw the same numbers.
  RngStream random(const std::string& name) const;
  void begin_step() const { asked_random.clear(); }
};

/// A gradient mask: a buffer of the network's layout, non-zero where the gradient counts, and what a zero means.
struct GradientMask {
  const Flat* buffer = nullptr;  ///< null: none
  MaskMode mode = MaskMode::zero_gradient;
};

/// Weights that a method trains beside the network, with the same optimiser settings and schedule.
struct TrainedPart {
  std::string name;  ///< in checkpoints and messages
  Weights* weights = nullptr;
};

/// Averaged weights whose BatchNorm statistics are being estimated.
struct Estimated {
  Weights& weights;
  /// The share of each forward pass of an attack on them in those statistics; none: attacks leave them alone.
  std::optional<double> momentum = {};
};

/// Takes the numbers a method wants on record, by name.
using MetricSink = std::function<void(const std::string& name, double value)>;

/// A training method. Most are one loss; the loop, schedule, optimiser, logging, evaluation and checkpoints are the
/// same for every method (trainers/loop.h).
class Trainer {
 public:
  virtual ~Trainer() = default;
  virtual void fields(Fields&) {}
  /// Holds the fields against a run of so many epochs; `f` is the section again, to place messages in.
  virtual void check(const Fields& /*f*/, int64_t /*epochs*/) const {}
  /// The attacks it trains with.
  virtual std::vector<const Attack*> attacks() const { return {}; }
  /// Called once, when model and engine exist.
  virtual void begin(TrainContext&) {}
  /// What is trained beside the network; asked once, after begin(). The weights must stay where they are.
  virtual std::vector<TrainedPart> parts() { return {}; }
  /// Before the first step of an epoch.
  virtual void before_epoch(TrainContext&) {}
  /// The scalar to minimise, built on a tape opened with Wrt::params. Attacks inside it draw from
  /// context.random(NAME).
  virtual Var loss(Tape& tape, const Batch& batch, const TrainContext& context) = 0;
  /// Writes the gradient of one step, and the loss into `loss`, of shape (1) and the network's type: `grads` has the
  /// network's buffer, then one for each of parts(). Methods with several gradient sets override it.
  virtual void write_gradients(TrainContext& context, const Batch& batch, std::span<Flat* const> grads,
                               const Tensor& loss);
  /// Weights that may differ from step to step, asked before each; write_gradients() finds them in context.live_terms.
  virtual TermWeights term_weights() const { return {}; }
  /// What the launches and host decisions of write_gradients() depend on beside the batch's size and what they read
  /// from the device: a GPU repeats a recorded step by itself as long as this stays the same, and its convolutions are
  /// chosen ahead (note_step). Empty: not known, so a step is neither recorded nor gone through ahead.
  virtual std::string recording(const TrainContext&) const { return {}; }
  /// write_gradients() for a caller who wants the loss now.
  double gradients(TrainContext& context, const Batch& batch, std::span<Flat* const> grads);
  /// Which parameters of the network the gradient just written moves.
  virtual GradientMask mask() const { return {}; }
  /// The share of the network's parameters that is taken off after the optimiser has moved them, asked before each
  /// step; none: never any, as long as recording() stays the same.
  virtual std::optional<double> shrinkage(const TrainContext&) const { return {}; }
  /// After the optimiser has moved the parameters, which it must leave alone; `batch` is the one they were moved by.
  virtual void after_step(TrainContext&, const Batch&) {}
  virtual void after_epoch(TrainContext&) {}
  /// What belongs beside the loss in a step's line of the metrics, and in an epoch's (asked after after_epoch()).
  virtual void step_metrics(const MetricSink&) const {}
  virtual void epoch_metrics(const MetricSink&) const {}
  virtual void visit_state(StateVisitor&) {}
  /// The BatchNorm branch of `model` to evaluate with; asked of methods that never began, too.
  virtual int eval_branch(const Network&) const { return 0; }
  /// What an average's BatchNorm statistics are estimated on (swa.bn: estimate), in the engine's arena: the images as
  /// they are, unless a method wants others.
  virtual Tensor estimation_images(TrainContext&, const Batch& batch, const Estimated&) { return batch.images; }
};

}  // namespace temper
