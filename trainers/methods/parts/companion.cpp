#include "trainers/methods/parts/companion.h"

#include <cmath>

#include "core/square_norm.h"
#include "kernels/runtime/rng_stream.h"
#include "trainers/methods/parts/scalar.h"
#include "trainers/state/checkpoint.h"

namespace temper {

namespace {

/// Without training images, as in a test of the method alone, an epoch counts as one step.
Position position(const TrainContext& c) {
  const int64_t epoch = c.epoch.unwatched(), steps = c.train ? c.train->batches() : 1;
  return {
      .epoch = epoch, .step = c.train ? c.step - (epoch - 1) * steps : 0, .steps_per_epoch = steps, .epochs = c.epochs};
}

}  // namespace

void Companion::fields(Fields& f) {
  Fields own = f.enter(name_.c_str());
  std::string architecture = defaults_.architecture;
  architecture_ = Registry<Architecture>::instance().read(own, "model", architecture);
  own("weights", weights_, "safetensors or npz file to start from; empty: initialise from the seed");
  section_.options.clip.norm = defaults_.clip;
  section_.read(own, "optimizer", defaults_.sgd);
  schedule_ = Registry<Schedule>::instance().read(own, "schedule", schedule_name_);
  every_ = defaults_.every;
  own("every", every_, Limits::at_least(0), "steps of the network between two steps of its own; 0: it is not trained");
  f.leave(name_.c_str(), own);
}

void Companion::check(const Fields& f, int64_t epochs) const {
  Fields above = f;
  const Fields own = above.enter(name_.c_str());
  section_.check(Fields(own).enter("optimizer"), epochs);
  schedule_->check(Fields(own).enter("schedule"), epochs);
}

void Companion::begin(const TrainContext& c, int64_t outputs) {
  Network::Options options = c.model.options();
  options.branches = {"main"};
  if (outputs > 0) options.data.classes = outputs;
  options.seed = RngStream(options.seed).derive(name_).key().seed;  // not the numbers of the network in training
  network_ = std::make_unique<Network>(c.engine, *architecture_, options);
  if (!weights_.empty()) load_network(*network_, weights_);
  if (every_ == 0) return;
  ParamBuffer& params = network_->weights().params;
  gradient_.emplace(params.layout(), params.dtype(), c.engine.stream());
  optimizer_.emplace(params, *section_.rule, c.engine.stream(), section_.options);
}

MethodPart Companion::part() {
  return {.name = name_, .weights = &network_->weights(), .optimizer = optimizer_ ? &*optimizer_ : nullptr};
}

void Companion::check_norm(const TrainContext& c, const Tensor& norm, const char* of) const {
  TEMPER_CHECK(std::isfinite(read_scalar(c.engine, norm)), "trainer.", name_, ": the norm of the ", of, " after step ",
               c.step + 1, " is not finite; lower trainer.", name_, ".optimizer.lr or set trainer.", name_,
               ".optimizer.clip");
}

void Companion::descend(const TrainContext& c, Tape& tape, const Var& loss) {
  TEMPER_CHECK(optimizer_, "trainer.", name_, ": nothing trains it, because every is 0; set ", name_, ".every");
  Engine& engine = c.engine;
  tape.backward(loss, *gradient_);
  const Tensor norm = tape.alloc({1}, gradient_->dtype());
  square_norm(engine, *gradient_, norm);
  check_norm(c, norm, "gradient");
  optimizer_->clip(engine.stream(), *gradient_, norm);
  optimizer_->prepare(*schedule_, position(c), (c.step + 1) / every_);
  optimizer_->step(engine.stream(), *gradient_);
  square_norm(engine, network_->weights().params, norm);
  check_norm(c, norm, "weights");
}

}  // namespace temper
