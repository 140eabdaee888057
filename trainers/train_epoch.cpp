#include <chrono>
#include <cmath>

#include "kernels/square_sum/square_sum.h"
#include "trainers/checkpoint.h"
#include "trainers/epoch.h"
#include "trainers/scalar.h"
#include "trainers/signals.h"

namespace temper {

namespace {

using Clock = std::chrono::steady_clock;

double square_norm(Engine& engine, const Flat& flat) {
  const Arena::Scope scope(engine.arena());
  const int64_t n = flat.store().size();
  const Tensor partial = engine.arena().tensor({square_sum_partials(n)}, flat.dtype());
  const Tensor total = engine.arena().tensor({1}, flat.dtype());
  dispatch_full(flat.dtype(), [&](auto tag) {
    using T = decltype(tag);
    square_sum<T>(engine.stream(), n, flat.all().as<T>(), partial.as<T>(), total.as<T>());
  });
  return read_scalar(engine, total);
}

double gradient_norm(TrainingState& s) {
  double sum = 0;
  for (const Trained& t : s.trained) sum += square_norm(s.engine, t.gradient);
  return std::sqrt(sum);
}

// The mask is the network's; what is trained beside it has none.
void move_weights(TrainingState& s, double lr, const GradientMask& mask) {
  for (Trained& t : s.trained)
    t.optimizer.step(s.engine.stream(), t.gradient, lr, &t == &s.trained.front() ? mask : GradientMask{});
}

void check_finite(const Run& run, const char* what, double value, double lr) {
  if (std::isfinite(value)) return;
  const Progress& p = run.state.progress;
  const bool saved = std::filesystem::exists(run.folder.last());
  fail("training: the ", what, " is ", value, " in epoch ", p.epoch, ", step ", p.step + 1, " of ",
       run.state.steps_per_epoch(), ", at learning rate ", lr, "; lower optimizer.lr or start with a warm-up. ",
       saved ? cat("The last good checkpoint is ", run.folder.last().string()) : "There is no checkpoint yet");
}

// One more sample for the averages, where one is due after the step just made.
void add_to_averages(TrainingState& s) {
  const Experiment& e = s.experiment;
  const Progress& p = s.progress;
  if (s.ema) s.ema->add(s.engine, *s.network, ema_keep(e.ema, s.ema->count() + 1), e.ema.bn);
  if (!s.swa || p.epoch < e.swa.start) return;
  const bool due = e.swa.every > 0 ? p.total_steps % e.swa.every == 0 : p.step == s.steps_per_epoch();
  if (!due) return;
  const double n = static_cast<double>(s.swa->count());
  s.swa->add(s.engine, *s.network, n / (n + 1), e.swa.bn);
}

double rate_at(const TrainingState& s, int64_t step) {
  const Experiment& e = s.experiment;
  return e.schedule.schedule->rate(
      e.optimizer.lr,
      {.epoch = s.progress.epoch, .step = step, .steps_per_epoch = s.train.batches(), .epochs = e.loop.epochs});
}

struct StepNumbers {
  double loss, lr, grad_norm;
};

StepNumbers train_step(Run& run) {
  TrainingState& s = run.state;
  Experiment& e = s.experiment;
  Progress& p = s.progress;
  Trainer& method = *e.trainer.method;
  const Arena::Scope scope(s.engine.arena());
  const Batch batch = s.train.load(p.epoch, p.step);
  TrainContext context = s.context();
  const double lr = rate_at(s, p.step);

  const double loss = method.gradients(context, batch, s.gradients());
  check_finite(run, "loss", loss, lr);
  const double norm = gradient_norm(s);
  check_finite(run, "norm of the gradient", norm, lr);
  move_weights(s, lr, method.mask());
  ++p.step;
  ++p.total_steps;
  p.loss_sum += loss * static_cast<double>(batch.size());
  p.images += batch.size();
  method.after_step(context, batch);
  add_to_averages(s);
  return {loss, lr, norm};
}

}  // namespace

void Run::save_checkpoint() const {
  temper::save_checkpoint(folder, config, [&](StateVisitor& v) { state.visit(v); });
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
  if (p.step == 0) {
    TrainContext context = s.context();
    method.before_epoch(context);
  }
  while (p.step < steps) {
    const StepNumbers n = train_step(run);
    time.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    time.images_per_second = static_cast<double>(p.images - images_before) / time.seconds;
    const StepReport report{.epoch = p.epoch,
                            .epochs = loop.epochs,
                            .step = p.step,
                            .steps_per_epoch = steps,
                            .loss = n.loss,
                            .lr = n.lr,
                            .images_per_second = time.images_per_second};
    if (loop.log_every > 0 && p.total_steps % loop.log_every == 0)
      run.log.step(report, n.grad_norm, collect_metrics([&](const MetricSink& to) { method.step_metrics(to); }));
    run.observer.on_step(report);
    if (SignalGuard::raised()) return {};
    if (loop.checkpoint_steps > 0 && p.step % loop.checkpoint_steps == 0) run.save_checkpoint();
  }
  return time;
}

}  // namespace temper
