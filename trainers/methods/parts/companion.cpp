#include "trainers/methods/parts/companion.h"

#include <cmath>

#include "core/square_norm.h"
#include "trainers/methods/parts/scalar.h"

namespace temper {

void Companion::fields(Fields& f) {
  Fields own = f.enter(of_.name().c_str());
  of_.fields(own);
  section_.read(own);
  every_ = defaults_.every;
  own("every", every_, Limits::at_least(0), "steps of the network between two steps of its own; 0: it is not trained");
  f.leave(of_.name().c_str(), own);
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

void Companion::descend(const TrainContext& c, Tape& tape, const Var& loss) {
  TEMPER_CHECK(optimizer_, "trainer.", of_.name(), ": nothing trains it, because every is 0; set ", of_.name(),
               ".every");
  Engine& engine = c.engine;
  tape.backward(loss, *gradient_);
  const Tensor norm = tape.alloc({1}, gradient_->dtype());
  square_norm(engine, *gradient_, norm);
  TEMPER_CHECK(std::isfinite(read_scalar(engine, norm)), "trainer.", of_.name(), ": the gradient after step ",
               c.step + 1, " is not finite; lower trainer.", of_.name(), ".optimizer.lr or set trainer.", of_.name(),
               ".optimizer.clip");
  optimizer_->clip(engine.stream(), *gradient_, norm);
  optimizer_->prepare(section_.rule->lr, (c.step + 1) / every_);
  optimizer_->step(engine.stream(), *gradient_);
}

}  // namespace temper
