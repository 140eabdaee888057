#include "trainers/loop/validate.h"

#include <fmt/format.h>

#include "attacks/pgd.h"
#include "evaluation/robust_accuracy.h"
#include "trainers/loop/signals.h"

namespace temper {

namespace {

Pass validation_pass(const TrainingState& state, Weights* weights) {
  Pass pass = Pass::eval(state.experiment.trainer.method->eval_branch(*state.network));
  pass.weights = weights;
  return pass;
}

Accuracy measure(TrainingState& state, Weights* weights, const Attack* attack, Observer& observer) {
  const Pass pass = validation_pass(state, weights);
  return evaluate(state.engine, *state.network, pass, *state.validation, attack, [&](int64_t done, int64_t total) {
    observer.on_evaluate("validation", done, total);
    if (SignalGuard::raised()) throw Interrupted{};
  });
}

}  // namespace

ValidationReport validate(TrainingState& state, Weights* weights, Observer& observer) {
  const Accuracy clean = measure(state, weights, nullptr, observer);
  const Accuracy robust = measure(state, weights, state.experiment.evaluation.validation.attack.get(), observer);
  return {.clean = clean.percent(), .robust = robust.percent(), .zero_gradient = robust.zero_gradient_percent()};
}

void note_validation(TrainingState& state) {
  if (!state.validation || state.experiment.loop.eval_every == 0) return;
  const Attack* const validation = state.experiment.evaluation.validation.attack.get();
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

std::optional<std::string> collapse_warning(TrainingState& state, const ValidationReport& now, Observer& observer) {
  const Progress& p = state.progress;
  const double share = state.experiment.loop.collapse;
  // An accuracy near that of a constant guess cannot collapse.
  const double guess = 100.0 / static_cast<double>(state.network->options().data.classes);
  if (share == 0 || p.collapsed || p.best.robust < 1.5 * guess || now.robust >= share * p.best.robust) return {};
  std::string text = fmt::format("robust accuracy on the validation images fell from {:.1f} % (epoch {}) to {:.1f} %",
                                 p.best.robust, p.best_epoch, now.robust);
  const auto* pgd = dynamic_cast<const Pgd*>(state.experiment.evaluation.validation.attack.get());
  if (!pgd) return text;
  Pgd one_step = *pgd;
  one_step.start = Pgd::Start::none;
  one_step.step = one_step.radius;
  one_step.steps = one_step.restarts = 1;
  const double fgsm = measure(state, nullptr, &one_step, observer).percent();
  text += fmt::format("; under a single step (FGSM) it is {:.1f} %", fgsm);
  if (fgsm > 1.5 * now.robust + 5)
    text +=
        ": catastrophic overfitting, the network resists only the attack it trains with; use more or smaller attack "
        "steps, or a random start";
  return text;
}

}  // namespace temper
