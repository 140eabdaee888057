#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attacks/attack.h"
#include "core/config/config.h"
#include "core/registry.h"
#include "data/loader.h"
#include "kernels/sgd_step/sgd_step.h"
#include "nn/module.h"
#include "trainers/loop/step_log.h"
#include "trainers/methods/parts/watched.h"

namespace temper {

class WeightOptimizer;

/// Visits what a bit-exact resume needs beyond model and optimiser: numbers and flat buffers, by name. The same visit
/// writes a checkpoint and reads it back.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void operator()(const std::string& name, double& value) = 0;
  virtual void operator()(const std::string& name, int64_t& value) = 0;
  virtual void operator()(const std::string& name, ParamBuffer& buffer) = 0;
  /// The same for a number that recorded work does not read on the host: it takes it as a live value, or not at all. A
  /// recorded step is done again whatever it is; every other number it was recorded with must be the same.
  virtual void unrecorded(const std::string& name, double& value) { (*this)(name, value); }
  virtual void unrecorded(const std::string& name, int64_t& value) { (*this)(name, value); }
};

/// What a trainer works with, owned by the loop.
struct TrainContext {
  Engine& engine;
  Network& model;
  Watched epoch = 0;  ///< 1-based. A method that reads it has its step recorded anew every epoch
  Watched step = 0;   ///< optimiser steps done before this one, over the whole run. Not for recorded work
  int64_t epochs = 0;
  Loader* train = nullptr;                             ///< the training images, augmented; null outside a training run
  Loader* validation = nullptr;                        ///< the images held out of them; null: none
  std::optional<ScalarArg<uint32_t>> live_epoch = {};  ///< the epoch, where a recorded step finds it
  std::map<std::string, ScalarArg<float>> lives = {};  ///< the method's live_values()
  StepLog* logged = nullptr;                           ///< null: nobody keeps what is logged

  mutable std::vector<std::string> asked_random = {};  ///< what random() was asked for since begin_step()

  /// Whoever calls loss() or write_gradients() says so first: what was asked for and logged is another step's.
  void begin_step() const;
  /// The random numbers of this name for the batch, others in every epoch. Throws Error if this step has asked for the
  /// name before, because two users would draw the same numbers.
  RngStream random(const std::string& name) const;
  /// One of the method's live_values(), for ops and kernels. Throws Error, with the nearest name, if there is none.
  ScalarArg<float> live(const std::string& name) const;
  /// Puts one number, a term of the loss, on the step's line of the metrics.
  void log(const std::string& name, const Var& term) const {
    if (logged) logged->put(name, term.value);
  }
  /// The same for a number of the host: in after_step(), or in after_epoch() for the epoch's line.
  void log(const std::string& name, double value) const {
    if (logged) logged->put(name, value);
  }
};

/// A gradient mask: a buffer of the network's layout, non-zero where the gradient counts, and what a zero means.
struct GradientMask {
  const ParamBuffer* buffer = nullptr;  ///< null: none
  MaskMode mode = MaskMode::zero_gradient;
};

/// How a step moves the network's weights, beside the optimiser's settings.
struct Movement {
  GradientMask mask = {};  ///< which of them the gradient just written moves
  /// After the optimiser w becomes w + share * w, and averages follow that; none: w stays.
  std::optional<ScalarArg<float>> share = {};
};

/// Weights beside the network's: predictors, a teacher, an average, a policy. Checkpoints hold them.
struct MethodPart {
  /// with_network: after every step, by the gradient that write_gradients() leaves for it, with the settings and the
  /// schedule of the network. by_method: as the method likes, or never.
  enum class Moved : uint8_t { by_method, with_network };
  std::string name;  ///< in messages, and in checkpoints unless `saved_as` says otherwise
  Weights* weights = nullptr;
  Moved moved = Moved::by_method;
  WeightOptimizer* optimizer = nullptr;  ///< the method's own for it: checkpoints hold its state, too
  std::string saved_as = {};             ///< the name in checkpoints that were written before
};

/// Averaged weights whose BatchNorm statistics are being estimated.
struct Estimated {
  Weights& weights;
  /// The share of each forward pass of an attack on them in those statistics; none: attacks leave them alone.
  std::optional<double> momentum = {};
};

/// Takes numbers by name.
using MetricSink = std::function<void(const std::string& name, double value)>;

/// A training method. Most are one loss; the loop, schedule, optimiser, logging, evaluation and checkpoints are the
/// same for every method (trainers/loop/loop.h).
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
  /// Its weights beside the network's, asked after begin(). They must stay where they are.
  virtual std::vector<MethodPart> parts() { return {}; }
  /// Before the first step of an epoch.
  virtual void before_epoch(TrainContext&) {}
  /// The scalar to minimise, built on a tape opened with Wrt::params. Attacks inside it draw from
  /// context.random(NAME).
  virtual Var loss(Tape& tape, const Batch& batch, const TrainContext& context) = 0;
  /// Writes the gradient of one step, and the loss into `loss`, of shape (1) and the network's type: `grads` has
  /// the network's parameters and the buffer for their gradient, then those of each of parts() that moves with it.
  /// Methods with several gradient sets override it.
  virtual void write_gradients(TrainContext& context, const Batch& batch, std::span<const GradientBuffer> grads,
                               const Tensor& loss);
  /// Numbers that differ from step to step, asked before each: loss() and write_gradients() find them by name as
  /// context.live(), which ops and kernels take.
  virtual void live_values(const MetricSink& /*put*/, const TrainContext&) const {}
  /// write_gradients() for a caller who wants the loss now.
  double gradients(TrainContext& context, const Batch& batch, std::span<const GradientBuffer> grads);
  /// How the gradient just written is to move the network.
  virtual Movement movement(const TrainContext&) const { return {}; }
  /// After the optimiser has moved the parameters, which it must leave alone; `batch` is the one they were moved by.
  virtual void after_step(TrainContext&, const Batch&) {}
  virtual void after_epoch(TrainContext&) {}
  /// What belongs in a step's line of the metrics and is too much to log: read only where a line is written.
  virtual void step_metrics(const MetricSink&) const {}
  /// What it keeps from step to step, beside parts(): a resume is exact only if all of it is visited.
  virtual void visit_state(StateVisitor&) {}
  /// The BatchNorm branch of `model` to evaluate with; asked of methods that never began, too.
  virtual int eval_branch(const Network&) const { return 0; }
  /// What an average's BatchNorm statistics are estimated on (swa.bn: estimate), in the engine's arena: the images as
  /// they are, unless a method wants others.
  virtual Tensor estimation_images(TrainContext&, const Batch& batch, const Estimated&) { return batch.images; }
};

}  // namespace temper
