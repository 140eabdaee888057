#include <chrono>

#include "core/plan_ahead.h"
#include "trainers/epoch.h"
#include "trainers/signals.h"
#include "trainers/step_key.h"
#include "trainers/train_step.h"
#include "trainers/validate.h"

namespace temper {

namespace {

using Clock = std::chrono::steady_clock;

// A GPU's convolutions are chosen all at once, before the first step, and when a method's step becomes another.
void plan(Run& run) {
  TrainingState& s = run.state;
  const GraphKey step = step_key(s, 0);
  if (run.planned == step) return;
  const PlansMade made = plan_ahead(s.engine, [&] {
    note_step(s);
    if (!run.planned) note_validation(s);
  });
  run.planned = step;
  if (made.count == 0) return;
  run.log.plans(s.progress.epoch, made);
  run.observer.on_plans(made);
}

}  // namespace

void Run::save_checkpoint() const {
  lock.check_in_place();
  log.sync();
  temper::save_checkpoint(folder, notes, [&](StateVisitor& v) { state.visit(v); });
}

void Run::warn(const std::string& text) {
  log.warning(state.progress.epoch, text);
  observer.on_warning(text);
}

std::optional<EpochTime> train_epoch(Run& run) {
  TrainingState& s = run.state;
  const LoopSection& loop = s.experiment.loop;
  Progress& p = s.progress;
  const int64_t steps = s.steps_per_epoch(), images_before = p.images;
  const auto start = Clock::now();
  EpochTime time{.lr = rate_at(s, steps - 1)};
  Trainer& method = *s.experiment.trainer.method;
  plan(run);
  if (p.step == 0) {
    TrainContext context = s.context();
    method.before_epoch(context);
  }
  int64_t attacked = 0, zero_gradient = 0;
  while (p.step < steps) {
    const StepNumbers n = train_step(s, run.folder.last());
    attacked += n.attacked;
    zero_gradient += n.zero_gradient;
    time.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    time.images_per_second = static_cast<double>(p.images - images_before) / time.seconds;
    const StepReport report{.epoch = p.epoch,
                            .epochs = loop.epochs,
                            .step = p.step,
                            .steps_per_epoch = steps,
                            .loss = n.loss,
                            .lr = n.lr,
                            .images_per_second = time.images_per_second};
    if (n.skipped_at > 0)
      run.warn(cat("step ", p.step, " of epoch ", p.epoch, " was left out, because with a loss scale of ", n.skipped_at,
                   " a gradient left the range of f16; it is ", s.loss_scaler.scale(), " from here on"));
    else if (loop.log_every > 0 && p.total_steps % loop.log_every == 0)
      run.log.step(report, n.grad_norm, metrics_of(s, n));
    run.observer.on_state(s);
    run.observer.on_step(report);
    if (SignalGuard::raised()) return {};
    if (loop.checkpoint_steps > 0 && p.step % loop.checkpoint_steps == 0) run.save_checkpoint();
  }
  if (attacked > 0)
    time.zero_gradient_percent = 100 * static_cast<double>(zero_gradient) / static_cast<double>(attacked);
  return time;
}

}  // namespace temper
