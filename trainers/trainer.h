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

namespace TEMPER_API temper {

class WeightOptimizer;

/// Visits, by name, the numbers and buffers that a bit-exact resume needs beside model and optimiser. The same visit
/// writes a checkpoint and reads it back.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void operator()(const std::string& name, double& value) = 0;
  virtual void operator()(const std::string& name, int64_t& value) = 0;
  virtual void operator()(const std::string& name, ParamBuffer& buffer) = 0;
  /// The same for a number that is not part of the key of a captured step, because captured work never reads it on the
  /// host (only as a live value, or not at all). A captured step is replayed only while all other numbers are equal to
  /// those at its capture.
  virtual void unrecorded(const std::string& name, double& value) { (*this)(name, value); }
  virtual void unrecorded(const std::string& name, int64_t& value) { (*this)(name, value); }
};

/// Keeps the tensors of TrainContext::once() between evaluations of one step's loss.
class StepTensors {
 public:
  virtual ~StepTensors() = default;
  virtual Tensor once(const std::string& name, const std::function<Tensor()>& make) = 0;
};

/// What the training loop gives to a method: engine, network, data, position, live values, log. Owned by the loop.
struct TrainContext {
  Engine& engine;
  Network& model;
  Watched epoch = 0;  ///< 1-based. A method that reads it has its step captured again every epoch
  Watched step = 0;   ///< optimiser steps done before this one, over the whole run. Captured work must not read it
  int64_t epochs = 0;
  double lr = 0;            ///< the network's learning rate in this step, for the host: captured work must not read it
  Loader* train = nullptr;  ///< the training images, augmented; null outside a training run
  Loader* validation = nullptr;                        ///< the images held out for validation; null: none
  std::optional<ScalarArg<uint32_t>> live_epoch = {};  ///< the epoch, as kernels read it
  std::map<std::string, ScalarArg<float>> lives = {};  ///< the method's live_values()
  StepLog* logged = nullptr;                           ///< null: log() does nothing
  StepTensors* kept = nullptr;                         ///< null: once() always makes its tensor

  mutable std::vector<std::string> asked_random = {};  ///< names given to random() since begin_step()

  /// To be called before loss() or write_gradients(): forgets the names and the log of the step before.
  void begin_step() const;
  /// The stream of random numbers of this name for the batch; it differs in every epoch. Throws Error if the name was
  /// asked for before in this step, because both users would draw the same numbers.
  RngStream random(const std::string& name) const;
  /// The tensor of this name, one of `make`'s if the step has not made it yet: what a loss has to compute only once,
  /// even where the loss is evaluated again at other weights (awp), such as adversarial images.
  Tensor once(const std::string& name, const std::function<Tensor()>& make) const;
  /// One of the method's live_values(), for ops and kernels. Throws Error, with the nearest name, if there is none.
  ScalarArg<float> live(const std::string& name) const;
  /// Adds a term of the loss, one number on the device, to the step's line in the metrics.
  void log(const std::string& name, const Var& term) const {
    if (logged) logged->put(name, term.value);
  }
  /// The same for a number on the host. Call it in after_step(), or in after_epoch() for the epoch's line.
  void log(const std::string& name, double value) const {
    if (logged) logged->put(name, value);
  }
};

/// A gradient mask: a buffer of the network's layout, non-zero where the gradient counts, and what a zero means.
struct GradientMask {
  const ParamBuffer* buffer = nullptr;  ///< null: none
  MaskMode mode = MaskMode::zero_gradient;
};

/// How a step moves the network's weights, in addition to the optimiser's settings.
struct Movement {
  GradientMask mask = {};  ///< which elements of the gradient count
  /// If set, w <- w + share * w after the optimiser and before averages are updated.
  std::optional<ScalarArg<float>> share = {};
};

/// Weights that a method has in addition to the network's: predictors, a teacher, an average, a policy. Checkpoints
/// hold them.
struct MethodPart {
  /// with_network: the loop trains it with the network: same optimiser settings, same schedule, and the gradient that
  /// write_gradients() writes for it. by_method: only the method changes it.
  enum class Moved : uint8_t { by_method, with_network };
  std::string name;  ///< in messages, and in checkpoints unless `saved_as` says otherwise
  Weights* weights = nullptr;
  Moved moved = Moved::by_method;
  WeightOptimizer* optimizer = nullptr;  ///< if the method has one for this part: checkpoints hold its state, too
  std::string saved_as = {};             ///< the name in checkpoints, if it is not `name` (for older checkpoints)
};

/// Averaged weights whose BatchNorm statistics are being estimated.
struct Estimated {
  Weights& weights;
  /// If set, forward passes of an attack on these weights update the statistics, too, with this momentum.
  std::optional<double> momentum = {};
};

/// A callback that takes numbers by name.
using MetricSink = std::function<void(const std::string& name, double value)>;

/// A training method. Most methods are one override, loss(). Loop, schedule, optimiser, logging, evaluation and
/// checkpoints are the same for every method (trainers/loop/loop.h).
class Trainer {
 public:
  virtual ~Trainer() = default;
  virtual void fields(Fields&) {}
  /// Checks the fields against the number of epochs of the run; `f` is the section again, for messages with a position.
  virtual void check(const Fields& /*f*/, int64_t /*epochs*/) const {}
  /// The attacks it trains with.
  virtual std::vector<const Attack*> attacks() const { return {}; }
  /// Called once, when model and engine exist.
  virtual void begin(TrainContext&) {}
  /// Its weights in addition to the network's; called after begin(). Their addresses must not change.
  virtual std::vector<MethodPart> parts() { return {}; }
  /// Before the first step of an epoch.
  virtual void before_epoch(TrainContext&) {}
  /// The scalar to minimise, built on a tape opened with Wrt::params. Attacks inside it draw from context.random(NAME).
  virtual Var loss(Tape& tape, const Batch& batch, const TrainContext& context) = 0;
  /// Computes the gradients of one step and writes the loss to `loss`, of shape (1) and the network's type. grads[0] is
  /// for the network, the others for those of parts() that move with the network, in order. The default differentiates
  /// loss(); methods that combine several gradients override it.
  virtual void write_gradients(TrainContext& context, const Batch& batch, std::span<const GradientBuffer> grads,
                               const Tensor& loss);
  /// The method's live values: numbers that change from step to step and that kernels read on the device. Called on the
  /// host before every step; loss() and write_gradients() get them by name from context.live().
  virtual void live_values(const MetricSink& /*put*/, const TrainContext&) const {}
  /// write_gradients(), waits for the device, and returns the loss.
  double gradients(TrainContext& context, const Batch& batch, std::span<const GradientBuffer> grads);
  /// How the optimiser moves the network's weights in this step.
  virtual Movement movement(const TrainContext&) const { return {}; }
  /// After the optimiser's step. It must not change the network's parameters; `batch` is the batch of the step.
  virtual void after_step(TrainContext&, const Batch&) {}
  virtual void after_epoch(TrainContext&) {}
  /// Metrics of a step that are costly to compute: called only for steps whose line is written.
  virtual void step_metrics(const MetricSink&) const {}
  /// Its state from step to step, beside parts(). A resume is exact only if all of it is visited.
  virtual void visit_state(StateVisitor&) {}
  /// How many steps in a row show the same batch, augmented once. An epoch has as many steps as without, so it sees as
  /// many times fewer batches; every image is seen equally often.
  virtual int64_t replays() const { return 1; }
  /// The BatchNorm branch of `model` to evaluate with. May be called without begin().
  virtual int eval_branch(const Network&) const { return 0; }
  /// The images on which the BatchNorm statistics of averaged weights are estimated (swa.bn: estimate), in the engine's
  /// arena. By default the batch's images, unchanged.
  virtual Tensor estimation_images(TrainContext&, const Batch& batch, const Estimated&) { return batch.images; }
};

}  // namespace temper
