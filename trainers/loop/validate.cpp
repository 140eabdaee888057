#include "trainers/loop/validate.h"

#include "trainers/loop/signals.h"

namespace temper {

namespace {

Pass validation_pass(const TrainingState& state, Weights* weights) {
  Pass pass = Pass::eval(state.experiment.trainer.method->eval_branch(*state.network));
  pass.weights = weights;
  return pass;
}

}  // namespace

Accuracy measure(TrainingState& state, Loader& images, const Measured& what,
                 const std::function<void(int64_t, int64_t)>& progress) {
  const Pass pass = validation_pass(state, what.weights);
  return evaluate(state.engine, *state.network, pass, images, what.attack, progress);
}

ValidationReport validate(TrainingState& state, Weights* weights, Observer& observer) {
  const auto accuracy = [&](const Attack* attack) {
    return measure(state, *state.validation, {.weights = weights, .attack = attack}, [&](int64_t done, int64_t total) {
      observer.on_evaluate("validation", done, total);
      if (SignalGuard::raised()) throw Interrupted{};
    });
  };
  const Accuracy clean = accuracy(nullptr), robust = accuracy(state.experiment.evaluation.validation.attack.get());
  return {.clean = clean.percent(), .robust = robust.percent(), .zero_gradient = robust.zero_gradient_percent()};
}

void note_validation(TrainingState& state) {
  const Attack* const validation = state.experiment.evaluation.validation.attack.get();
  if (state.probe)
    note_evaluation(state.engine, *state.network, validation_pass(state, nullptr), *state.probe, validation);
  if (!state.validation || state.experiment.loop.eval_every == 0) return;
  for (const Attack* attack : {static_cast<const Attack*>(nullptr), validation})
    note_evaluation(state.engine, *state.network, validation_pass(state, nullptr), *state.validation, attack);
}

void refresh_bn(TrainingState& state, Average& average, AverageBn bn) {
  if (bn == AverageBn::copy) average.weights().buffers.copy_from(state.network->weights().buffers);
  if (bn != AverageBn::estimate && bn != AverageBn::estimate_all) return;
  Trainer& method = *state.experiment.trainer.method;
  TrainContext context = state.context();
  estimate_bn(state.engine, *state.network, average.weights(),
              {.images = state.train,
               .epoch = state.progress.epoch,
               .branch = method.eval_branch(*state.network),
               .take = [&](const Batch& batch, double momentum) {
                 const bool all = bn == AverageBn::estimate_all;
                 context.begin_step();
                 return method.estimation_images(context, batch,
                                                 {average.weights(), all ? std::optional(momentum) : std::nullopt});
               }});
}

ValidationReport validate_average(TrainingState& state, Average& average, AverageBn bn, Observer& observer) {
  refresh_bn(state, average, bn);
  return validate(state, &average.weights(), observer);
}

}  // namespace temper
