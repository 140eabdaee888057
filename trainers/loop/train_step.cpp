#include "trainers/loop/train_step.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "core/image_fault.h"
#include "core/plans/plan_ahead.h"
#include "core/square_norm.h"
#include "kernels/finite_gate/finite_gate.h"
#include "kernels/gradient_notes/gradient_notes.h"
#include "nn/weights_check.h"
#include "trainers/loop/step_key.h"
#include "trainers/methods/parts/scalar.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

double next_ema_keep(const TrainingState& s) { return ema_keep(s.experiment.ema, s.ema->count() + 1); }

// Weights do not change if the loss or a gradient is not finite. Mask and average apply to the network's weights only.
// A perturbation of the weights is taken back, and a method's share of them applied, before the average is updated.
void move_weights(TrainingState& s, const TrainContext& context) {
  const Trainer& method = *s.experiment.trainer.method;
  const Movement movement = method.movement(context);
  const bool perturbed = s.perturbs() && s.awp->restores_after_step();
  const bool follows = s.ema && !movement.share && !perturbed && s.engine.uses(Optimisation::fused_average);
  const Tensor sums = s.step_sums->all();
  dispatch_full(sums.dtype, [&](auto tag) {
    finite_gate(s.engine.stream(), s.sums().weights, sums.as<const decltype(tag)>(), s.values.gate());
  });
  int norm = s.sums().norms;
  for (Trained& t : s.trained) {
    const bool network = &t == &s.trained.front();
    t.optimizer.clip(s.engine.stream(), t.gradient, s.step_sums->at(norm++));
    EmaTarget target;
    if (network && follows) target = {&s.ema->weights().params, s.values.ema_keep()};
    t.optimizer.step(s.engine.stream(), t.gradient, network ? movement.mask : GradientMask{}, target, s.values.moves());
  }
  if (perturbed) s.awp->restore(s.engine);
  if (movement.share) add_share(s.engine.stream(), s.network->weights().params, *movement.share, s.values.moves());
  if (s.ema && !follows) s.ema->add_parameters(s.engine, *s.network, s.values.ema_keep(), s.values.moves());
}

// Notes the norms of all arrays that a step changes: the weights of everything trained, and the statistics.
void note_weights(TrainingState& s) {
  int at = s.sums().weights;
  for (Trained& t : s.trained) square_norm(s.engine, t.optimizer.params(), s.step_sums->at(at++));
  square_norm(s.engine, s.network->weights().buffers, s.step_sums->at(at));
}

// Expects the next step's numbers in `values`, except the method's, which are put here.
TrainContext live_context(TrainingState& s, const StepValues::Values& values) {
  TrainContext context = s.context();
  s.values.set(values);
  TrainContext host = context;
  host.epoch = context.epoch.unwatched();  // what depends on it is read on the device
  s.experiment.trainer.method->live_values([&](const std::string& n, double v) { s.values.put(n, v); }, host);
  context.live_epoch = s.values.epoch();
  context.lives = s.values.named();
  context.logged = &*s.log;
  return context;
}

/// The part of a step that can be captured.
void compute(TrainingState& s, TrainContext& context, const Batch& batch) {
  Trainer& method = *s.experiment.trainer.method;
  const LossScaleScope scope(s.engine, s.loss_scaler.scales());
  context.begin_step();
  s.train.fill(batch, s.values.first(), s.values.shown());
  if (s.perturbs())
    s.awp->write_gradients(method, context, batch, s.gradients(), s.step_sums->at(0));
  else
    method.write_gradients(context, batch, s.gradients(), s.step_sums->at(0));
  for (size_t i = 0; i < s.trained.size(); ++i)
    square_norm(s.engine, s.trained[i].gradient, s.step_sums->at(s.sums().norms + static_cast<int>(i)));
  dispatch_full(s.step_sums->all().dtype, [&](auto tag) {
    drain_tally(s.engine.stream(), s.step_sums->at(s.sums().attacks).as<decltype(tag)>(),
                s.engine.attack_tally().as<int32_t>());
  });
  move_weights(s, context);
  note_weights(s);
}

[[noreturn]] void stop(const TrainingState& s, const std::string& what, const std::string& advice,
                       const fs::path& checkpoint) {
  const Progress& p = s.progress;
  fail(
      "training: ", what, " in epoch ", p.epoch, ", step ", p.step + 1, " of ", s.steps_per_epoch(), advice,
      fs::exists(checkpoint) ? cat("The last good checkpoint is ", checkpoint.string()) : "There is no checkpoint yet");
}

void check_finite(const TrainingState& s, const char* what, double value, double lr, const fs::path& checkpoint) {
  if (std::isfinite(value)) return;
  stop(s,
       cat("the ", what, " is ",
           std::isnan(value) ? "nan"
           : value > 0       ? "infinite"
                             : "minus infinity"),
       cat(", at learning rate ", lr, "; lower optimizer.lr or start with a warm-up",
           s.engine.options().loss_scale > 1 ? ", or lower precision.loss_scale. " : ". "),
       checkpoint);
}

// Weights or statistics that are NaN need not change the loss, because a ReLU can hide them.
void check_moved(TrainingState& s, std::span<const double> norms, const fs::path& checkpoint) {
  if (std::all_of(norms.begin(), norms.end(), [](double n) { return std::isfinite(n); })) return;
  try {
    check_weights(s.engine, s.network->weights(), "after the update");
    for (Trained& t : s.trained) check_weights(t.optimizer.params(), "after the update");
  } catch (const Error& e) {
    stop(s, e.what(), ". ", checkpoint);
  }
}

Position position(const TrainingState& s, int64_t step) {
  return {.epoch = s.progress.epoch,
          .step = step,
          .steps_per_epoch = s.steps_per_epoch(),
          .epochs = s.experiment.loop.epochs};
}

// Adds a sample to the averages if one is due after this step.
void add_to_averages(TrainingState& s) {
  const Experiment& e = s.experiment;
  const Progress& p = s.progress;
  if (s.ema) s.ema->add_statistics(s.engine, *s.network, next_ema_keep(s), e.ema.bn);
  if (!s.swa || !e.swa.due(p.epoch, p.step, s.steps_per_epoch())) return;
  const double n = static_cast<double>(s.swa->count());
  s.swa->add(s.engine, *s.network, n / (n + 1), e.swa.bn);
}

}  // namespace

double rate_at(const TrainingState& s, int64_t step) {
  return s.experiment.schedule.schedule->rate(s.experiment.optimizer.rule->lr, position(s, step));
}

Metrics metrics_of(const TrainingState& s, const StepNumbers& step) {
  Metrics all = step.logged;
  s.experiment.trainer.method->step_metrics([&](const std::string& n, double v) { all.emplace_back(n, v); });
  return all;
}

bool note_step(TrainingState& s) {
  TrainContext context = live_context(s, {});
  return note_plans(s.engine, [&] {
    for (const int64_t b : s.train.of_every_size()) {
      const Arena::Scope scope(s.engine.arena());
      compute(s, context, s.train.blank(b));
    }
  });
}

StepNumbers train_step(TrainingState& s, const fs::path& checkpoint) {
  Experiment& e = s.experiment;
  Progress& p = s.progress;
  Trainer& method = *e.trainer.method;
  const Arena::Scope scope(s.engine.arena());
  const double lr = rate_at(s, p.step);
  const ShownBatch shown = s.shown();
  s.train.open(shown.epoch);
  s.train.bring(shown.index);
  const Batch batch = s.train.blank(shown.index);
  const int64_t number = p.total_steps + 1 - s.loss_scaler.left_out();
  for (Trained& t : s.trained) t.optimizer.prepare(*e.schedule.schedule, position(s, p.step), number);
  s.loss_scaler.set();
  TrainContext context = live_context(s, {.epoch = static_cast<uint32_t>(p.epoch),
                                          .first = s.train.first(shown.index),
                                          .shown = static_cast<uint32_t>(shown.epoch),
                                          .ema_keep = s.ema ? next_ema_keep(s) : 0});
  context.lr = lr;
  s.values.send();
  const Metrics kept = kept_numbers(s);
  if (s.graph->on())
    s.graph->run(step_key(s, batch.size()), [&] { compute(s, context, batch); });
  else
    compute(s, context, batch);
  check_kept(s, kept);

  const std::vector<double> all = s.step_sums->read();
  const StepSums at = s.sums();
  const std::span<const double> sums(all), norms = sums.subspan(at.norms, s.trained.size()),
                                           attacks = sums.subspan(at.attacks, 3);
  const double loss = sums[0], norm = std::sqrt(std::accumulate(norms.begin(), norms.end(), 0.0));
  check_finite(s, "loss", loss, lr, checkpoint);
  const double scale = s.loss_scaler.scale();
  const bool skipped = (attacks[2] != 0 || !std::isfinite(norm)) && s.loss_scaler.halve();
  if (!skipped && attacks[2] != 0)
    stop(s, cat("an attack of ", e.trainer.name, " met a gradient of the images that is not finite"),
         cat(": ", image_fault_advice(s.engine), ". "), checkpoint);
  if (!skipped) check_finite(s, "norm of the gradient", norm, lr, checkpoint);
  check_moved(s, sums.subspan(at.weights, s.trained.size() + 1), checkpoint);
  ++p.step;
  ++p.total_steps;
  p.loss_sum += loss * static_cast<double>(batch.size());
  p.images += batch.size();
  if (skipped) return {.loss = loss, .lr = lr, .grad_norm = norm, .skipped_at = scale};
  s.loss_scaler.kept();
  const uint64_t moved = s.network->weights().params.version();
  method.after_step(context, batch);
  TEMPER_CHECK(s.network->weights().params.version() == moved, "training: expected after_step of ", e.trainer.name,
               " to leave the network's parameters as the optimiser "
               "moved them, because averages have them already, but it wrote to them; do that in write_gradients()");
  add_to_averages(s);
  return {.loss = loss,
          .lr = lr,
          .grad_norm = norm,
          .attacked = static_cast<int64_t>(attacks[0]),
          .zero_gradient = static_cast<int64_t>(attacks[1]),
          .logged = s.logged(all)};
}

}  // namespace temper
