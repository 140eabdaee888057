#include "trainers/train_step.h"

#include <cmath>

#include "kernels/square_sum/square_sum.h"
#include "trainers/scalar.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

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

double next_ema_keep(const TrainingState& s) { return ema_keep(s.experiment.ema, s.ema->count() + 1); }

// Mask and average are the network's; what is trained beside it has none.
void move_weights(TrainingState& s, double lr, const GradientMask& mask) {
  for (Trained& t : s.trained) {
    const bool network = &t == &s.trained.front();
    Follower follower;
    if (network && s.ema) follower = {&s.ema->weights().params, next_ema_keep(s)};
    t.optimizer.step(s.engine.stream(), t.gradient, lr, network ? mask : GradientMask{}, follower);
  }
}

void check_finite(const TrainingState& s, const char* what, double value, double lr, const fs::path& checkpoint) {
  if (std::isfinite(value)) return;
  const Progress& p = s.progress;
  fail(
      "training: the ", what, " is ", value, " in epoch ", p.epoch, ", step ", p.step + 1, " of ", s.steps_per_epoch(),
      ", at learning rate ", lr, "; lower optimizer.lr or start with a warm-up",
      s.experiment.precision == Precision::f16 ? ", or lower precision.loss_scale. " : ". ",
      fs::exists(checkpoint) ? cat("The last good checkpoint is ", checkpoint.string()) : "There is no checkpoint yet");
}

// One more sample for the averages, where one is due after the step just made.
void add_to_averages(TrainingState& s) {
  const Experiment& e = s.experiment;
  const Progress& p = s.progress;
  if (s.ema) s.ema->add_statistics(s.engine, *s.network, next_ema_keep(s), e.ema.bn);
  if (!s.swa || p.epoch < e.swa.start) return;
  const bool due = e.swa.every > 0 ? p.total_steps % e.swa.every == 0 : p.step == s.steps_per_epoch();
  if (!due) return;
  const double n = static_cast<double>(s.swa->count());
  s.swa->add(s.engine, *s.network, n / (n + 1), e.swa.bn);
}

}  // namespace

double rate_at(const TrainingState& s, int64_t step) {
  const Experiment& e = s.experiment;
  return e.schedule.schedule->rate(
      e.optimizer.lr,
      {.epoch = s.progress.epoch, .step = step, .steps_per_epoch = s.train.batches(), .epochs = e.loop.epochs});
}

StepNumbers train_step(TrainingState& s, const fs::path& checkpoint) {
  Experiment& e = s.experiment;
  Progress& p = s.progress;
  Trainer& method = *e.trainer.method;
  const Arena::Scope scope(s.engine.arena());
  const Batch batch = s.train.load(p.epoch, p.step);
  TrainContext context = s.context();
  const double lr = rate_at(s, p.step);

  const double loss = method.gradients(context, batch, s.gradients());
  check_finite(s, "loss", loss, lr, checkpoint);
  const double norm = gradient_norm(s);
  check_finite(s, "norm of the gradient", norm, lr, checkpoint);
  move_weights(s, lr, method.mask());
  ++p.step;
  ++p.total_steps;
  p.loss_sum += loss * static_cast<double>(batch.size());
  p.images += batch.size();
  const uint64_t moved = s.network->weights().params.stamp();
  method.after_step(context, batch);
  TEMPER_CHECK(s.network->weights().params.stamp() == moved, "training: expected after_step of ", e.trainer.name,
               " to leave the network's parameters as the optimiser "
               "moved them, because averages have them already, but it wrote to them; do that in gradients()");
  add_to_averages(s);
  return {loss, lr, norm};
}

}  // namespace temper
