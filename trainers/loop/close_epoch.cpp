#include <fmt/format.h>

#include <chrono>

#include "nn/weights.h"
#include "trainers/loop/collapse.h"
#include "trainers/loop/validate.h"

namespace temper {

namespace {

// The accuracies that decide which epoch is best, and the weights that have them.
struct Selected {
  std::optional<ValidationReport> report;
  Weights* weights = nullptr;
};

Selected selected(TrainingState& s, const EpochReport& r) {
  switch (s.experiment.loop.select) {
    case Select::ema: return {r.ema, &s.ema->weights()};
    case Select::swa: return {r.swa, &s.swa->weights()};
    default: return {r.validation, &s.network->weights()};
  }
}

void warn_of_zero_gradients(Run& run, const char* attack, double percent) {
  if (percent > 0)
    run.warn(fmt::format("{:.1f} % of the images had a gradient of zero in a step of {}, which cannot move them",
                         percent, attack));
}

void validate_all(Run& run, EpochReport& r) {
  TrainingState& s = run.state;
  const Experiment& e = s.experiment;
  const auto start = std::chrono::steady_clock::now();
  r.validation = validate(s, nullptr, run.observer);
  if (s.ema) r.ema = validate_average(s, *s.ema, e.ema.bn, run.observer);
  if (s.swa && s.swa->count() > 0) r.swa = validate_average(s, *s.swa, e.swa.bn, run.observer);
  warn_of_zero_gradients(run, "the validation attack", r.validation->zero_gradient);
  const Progress& p = s.progress;
  guard(run, {.now = r.validation->robust,
              .best = p.best.robust,
              .best_at = cat("epoch ", p.best_epoch),
              .images = "the validation images",
              .loader = *s.validation});
  r.validation_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void keep_best(Run& run, EpochReport& r) {
  Progress& p = run.state.progress;
  const Selected now = selected(run.state, r);
  if (!now.report) return;
  if (p.best_epoch > 0 && now.report->robust <= p.best.robust) {
    ++p.since_best;
    return;
  }
  p.best = *now.report;
  p.best_epoch = p.epoch;
  p.since_best = p.collapsed = 0;
  r.best = true;
  save_weights(*now.weights, run.folder.best().string());
}

}  // namespace

std::optional<Outcome> should_stop(const TrainingState& state) {
  const LoopSection& loop = state.experiment.loop;
  const Progress& p = state.progress;
  if (loop.early_stop > 0 && p.since_best >= loop.early_stop) return Outcome::early_stop;
  if (loop.on_collapse == OnCollapse::stop && p.collapsed) return Outcome::collapse;
  return {};
}

std::optional<Outcome> close_epoch(Run& run, const EpochTime& time) {
  TrainingState& s = run.state;
  const LoopSection& loop = s.experiment.loop;
  Progress& p = s.progress;
  const bool last = p.epoch == loop.epochs;
  EpochReport r{.epoch = p.epoch,
                .epochs = loop.epochs,
                .train_loss = p.loss_sum / static_cast<double>(p.images),
                .lr = time.lr,
                .seconds = time.seconds,
                .images_per_second = time.images_per_second};
  if (s.validation && loop.eval_every > 0 && (last || p.epoch % loop.eval_every == 0)) {
    validate_all(run, r);
    keep_best(run, r);
  }
  warn_of_zero_gradients(run, "the training attack", time.zero_gradient_percent);
  TrainContext context = s.context();
  s.log->open();
  context.logged = &*s.log;
  s.experiment.trainer.method->after_epoch(context);

  const int64_t closed = p.epoch;
  p.epoch = closed + 1;
  p.step = p.images = 0;
  p.loss_sum = 0;
  run.log.epoch(r, s.logged(s.step_sums->read()));
  const std::optional<Outcome> stop = should_stop(s);
  if (last || stop || closed % loop.checkpoint_every == 0) run.save_checkpoint();
  run.observer.on_epoch(r);
  return stop;
}

}  // namespace temper
