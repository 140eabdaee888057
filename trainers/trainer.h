#pragma once
#include <map>
#include <memory>
#include <string>

#include "attacks/attack.h"
#include "core/config.h"
#include "core/registry.h"
#include "nn/module.h"

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
};

/// A training method. Most are one loss; the loop, schedule, optimiser, logging, evaluation and checkpoints are the
/// same for every method (trainers/loop.h).
class Trainer {
 public:
  virtual ~Trainer() = default;
  virtual void fields(Fields&) {}
  /// Called once, when model and engine exist.
  virtual void begin(TrainContext&) {}
  /// The scalar to minimise, built on a tape opened with Wrt::params. Attacks inside it use context.epoch as their
  /// draw.
  virtual Var loss(Tape& tape, const Batch& batch, const TrainContext& context) = 0;
  /// Writes the gradient of one step into `grads` and returns the loss. Methods with several gradient sets override it.
  virtual double gradients(TrainContext& context, const Batch& batch, Flat& grads);
  /// After the optimiser has moved the parameters; `batch` is the one they were moved by.
  virtual void after_step(TrainContext&, const Batch&) {}
  virtual void after_epoch(TrainContext&) {}
  virtual void visit_state(StateVisitor&) {}
  /// The BatchNorm branch to evaluate with.
  virtual int eval_branch() const { return 0; }
};

}  // namespace temper
