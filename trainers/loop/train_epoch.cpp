#include <chrono>

#include "core/plans/plan_ahead.h"
#include "trainers/loop/collapse.h"
#include "trainers/loop/signals.h"
#include "trainers/loop/step_key.h"
#include "trainers/loop/train_step.h"
#include "trainers/loop/validate.h"

namespace temper {

namespace {

using Clock = std::chrono::steady_clock;

// On a GPU all convolutions are chosen together, before the first step and whenever the method's step changes.
void plan(Run& run) {
  TrainingState& s = run.state;
  if (run.planned == step_key(s, 0)) return;
  const PlansMade made = plan_ahead(s.engine, [&] {
    note_step(s);
    if (!run.planned) note_validation(s);
  });
  run.planned = step_key(s, 0);  // the planning pass shows what the step reads
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

EpochSteps::EpochSteps(Run& run) : run_(run), start_(Clock::now()), images_before_(run.state.progress.images) {
  TrainingState& s = run.state;
  time_.lr = rate_at(s, s.steps_per_epoch() - 1);
  plan(run);
  if (s.progress.step > 0) return;
  TrainContext context = s.context();
  s.experiment.trainer.method->before_epoch(context);
}

void EpochSteps::made(const StepNumbers& n) {
  TrainingState& s = run_.state;
  const LoopSection& loop = s.experiment.loop;
  const Progress& p = s.progress;
  attacked_ += n.attacked;
  zero_gradient_ += n.zero_gradient;
  time_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  time_.images_per_second = static_cast<double>(p.images - images_before_) / time_.seconds;
  const StepReport report{.epoch = p.epoch,
                          .epochs = loop.epochs,
                          .step = p.step,
                          .steps_per_epoch = s.steps_per_epoch(),
                          .loss = n.loss,
                          .lr = n.lr,
                          .images_per_second = time_.images_per_second};
  if (n.skipped_at > 0)
    run_.warn(cat("step ", p.step, " of epoch ", p.epoch, " was skipped, because with a loss scale of ", n.skipped_at,
                  " a gradient overflowed f16; the scale is ", s.loss_scaler.scale(), " from here on"));
  else if (loop.log_every > 0 && p.total_steps % loop.log_every == 0)
    run_.log.step(report, n.grad_norm, metrics_of(s, n));
  run_.observer.on_state(s);
  run_.observer.on_step(report);
  probe(run_);
  if (!SignalGuard::raised() && loop.checkpoint_steps > 0 && p.step % loop.checkpoint_steps == 0)
    run_.save_checkpoint();
}

EpochTime EpochSteps::time() const {
  EpochTime all = time_;
  if (attacked_ > 0)
    all.zero_gradient_percent = 100 * static_cast<double>(zero_gradient_) / static_cast<double>(attacked_);
  return all;
}

}  // namespace temper
