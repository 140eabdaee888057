#include "trainers/methods/parts/companion.h"

#include <cmath>

#include "core/square_norm.h"
#include "trainers/methods/parts/scalar.h"

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
  Fields own = f.enter(of_.name().c_str());
  of_.fields(own);
  section_.options.clip.norm = defaults_.clip;
  section_.read(own, "optimizer", defaults_.sgd);
  schedule_ = Registry<Schedule>::instance().read(own, "schedule", schedule_name_);
  every_ = defaults_.every;
  own("every", every_, Limits::at_least(0), "steps of the network between two steps of its own; 0: it is not trained");
  f.leave(of_.name().c_str(), own);
}

void Companion::check(const Fields& f, int64_t epochs) const {
  Fields above = f;
  const Fields own = above.enter(of_.name().c_str());
  section_.check(Fields(own).enter("optimizer"), epochs);
  schedule_->check(Fields(own).enter("schedule"), epochs);
}

void Companion::begin(const TrainContext& c, int64_t outputs) {
  of_.begin(c, outputs);
  if (every_ == 0) return;
  ParamBuffer& params = network().weights().params;
  gradient_.emplace(params.layout(), params.dtype(), c.engine.stream());
  optimizer_.emplace(params, *section_.rule, c.engine.stream(), section_.options);
}

MethodPart Companion::part() {
  MethodPart part = of_.part(MethodPart::Moved::by_method);
  part.optimizer = optimizer_ ? &*optimizer_ : nullptr;
  return part;
}

void Companion::check_norm(const TrainContext& c, const Tensor& norm, const char* of) const {
  TEMPER_CHECK(std::isfinite(read_scalar(c.engine, norm)), "trainer.", of_.name(), ": the norm of the ", of,
               " after step ", c.step + 1, " is not finite; lower trainer.", of_.name(),
               ".optimizer.lr or set trainer.", of_.name(), ".optimizer.clip");
}

void Companion::descend(const TrainContext& c, Tape& tape, const Var& loss) {
  TEMPER_CHECK(optimizer_, "trainer.", of_.name(), ": nothing trains it, because every is 0; set ", of_.name(),
               ".every");
  Engine& engine = c.engine;
  tape.backward(loss, *gradient_);
  const Tensor norm = tape.alloc({1}, gradient_->dtype());
  square_norm(engine, *gradient_, norm);
  check_norm(c, norm, "gradient");
  optimizer_->clip(engine.stream(), *gradient_, norm);
  optimizer_->prepare(*schedule_, position(c), (c.step + 1) / every_);
  optimizer_->step(engine.stream(), *gradient_);
  square_norm(engine, network().weights().params, norm);
  check_norm(c, norm, "weights");
}

}  // namespace temper
