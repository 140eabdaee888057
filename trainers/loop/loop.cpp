#include "trainers/loop/loop.h"

#include <chrono>

#include "core/files/json.h"

#include "core/environment/cpus.h"
#include "core/files/file.h"
#include "core/files/folders.h"
#include "nn/weights.h"
#include "trainers/loop/epoch.h"
#include "trainers/loop/readiness.h"
#include "trainers/loop/ready_run.h"
#include "trainers/loop/validate.h"
#include "trainers/records/run_config.h"
#include "trainers/records/run_environment.h"
#include "trainers/records/run_inputs_json.h"
#include "trainers/state/resume.h"

namespace temper {

namespace {

StartReport start_report(const TrainingState& state) {
  const Experiment& e = state.experiment;
  return {.method = e.trainer.name,
          .model = e.model.name,
          .data = e.data.name,
          .device = name(state.engine.device()),
          .parameters = state.network->params().numel(),
          .images_train = state.images_train,
          .images_validation = state.images_validation,
          .epochs = e.loop.epochs,
          .steps_per_epoch = state.steps_per_epoch(),
          .epoch = state.progress.epoch,
          .step = state.progress.step};
}

void save_averages(TrainingState& s, const RunFolder& folder) {
  if (s.ema) {
    refresh_bn(s, *s.ema, s.experiment.ema.bn);
    save_weights(s.ema->weights(), folder.ema().string());
  }
  if (s.swa && s.swa->count() > 0) {
    refresh_bn(s, *s.swa, s.experiment.swa.bn);
    save_weights(s.swa->weights(), folder.swa().string());
  }
}

/// What happens before the first step of a run and after the last one.
class OpenRun {
 public:
  OpenRun(ReadyRun& ready, Observer& observer);
  Run& operator*() { return *run_; }
  TrainResult close(Outcome outcome);

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<TrainingState> state_;
  std::optional<MetricsLog> log_;
  std::optional<Run> run_;
};

OpenRun::OpenRun(ReadyRun& ready, Observer& observer) {
  Experiment& experiment = ready.experiment;
  const RunLock& lock = ready.lock;
  const RunFolder& folder = lock.folder();
  const Resume resume = ready.resume;
  check_unused(folder, resume);
  check_training_split(experiment, ready.data);
  const std::string config = config_text(experiment);
  const std::vector<std::string> noted = ready.data.train.notes;
  TrainingState& state = state_.emplace(experiment, std::move(ready.data));
  check_state(state);
  check_folder(folder, bytes_to_write(state));
  std::vector<std::string> warnings = resume == Resume::yes ? resume_from(folder, state) : std::vector<std::string>{};
  // Results of the run before it was continued; the evaluation first, because it marks a folder as complete.
  for (const auto& file : {folder.evaluation(), folder.report(), folder.examples()}) std::filesystem::remove(file);

  make_folder(folder.checkpoints());
  write_text_atomically(folder.config().string(), config);
  write_inputs(folder, state.inputs);
  write_environment(folder, state, resume);
  log_.emplace(folder, state.progress.epoch, state.progress.step);
  Run& run = run_.emplace(
      Run{state, lock, folder, observer, *log_, {.config = config, .inputs = to_json(state.inputs).dump()}});
  observer.on_start(start_report(state));
  for (const std::string& hardly_meant : experiment.warnings) run.warn(hardly_meant);
  warnings.insert(warnings.end(), {lock.warning(), log_->lost(), note_on_threads(experiment.threads)});
  for (const std::string& text : warnings)
    if (!text.empty()) run.warn(text);
  for (const std::string& note : noted) run.warn(note);
  for (const std::string& note : state.network->notes()) run.warn(note);
}

TrainResult OpenRun::close(Outcome outcome) {
  TrainingState& state = *state_;
  Run& run = *run_;
  if (const std::string& note = state.engine.arena().note(); !note.empty()) run.warn(note);
  for (const std::string& note : state.engine.conv().notes()) run.warn(note);
  for (const std::string& note : state.graph->notes()) run.warn(note);
  if (outcome != Outcome::interrupted) save_averages(state, run.folder);
  run.lock.check_in_place();
  const Progress& p = state.progress;
  TrainResult result{
      .outcome = outcome,
      .end = {.outcome = name(outcome),
              .epochs = p.epoch - 1,
              .steps = p.total_steps,
              .best_epoch = p.best_epoch,
              .best = p.best,
              .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(),
              .train_seconds = run.log.train_seconds(),
              .peak_bytes = static_cast<int64_t>(state.engine.arena().peak())},
      .images_train = state.images_train,
      .images_validation = state.images_validation};
  run.observer.on_end(result.end);
  return result;
}

}  // namespace

const char* name(Outcome outcome) {
  switch (outcome) {
    case Outcome::finished: return "finished";
    case Outcome::early_stop: return "early_stop";
    case Outcome::collapse: return "collapse";
    case Outcome::interrupted: return "interrupted";
  }
  return "?";
}

TrainResult run_training(Experiment& experiment, const RunFolder& folder, Observer& observer, Resume resume) {
  ReadyRun run(experiment, folder, resume);
  return run_training(run, observer);
}

TrainResult run_training(ReadyRun& ready, Observer& observer) {
  OpenRun open(ready, observer);
  Run& run = *open;
  TrainingState& s = run.state;
  const Progress& p = s.progress;
  std::optional<Outcome> stop = should_stop(s);
  try {
    while (!stop && p.epoch <= s.experiment.loop.epochs) {
      bool interrupted = false;
      EpochSteps steps(run);
      while (!stop && !interrupted && p.step < s.steps_per_epoch()) {
        steps.made(train_step(s, run.folder.last()));
        stop = should_stop(s);
        interrupted = !stop && SignalGuard::raised();
      }
      if (stop) {
        run.save_checkpoint();
        break;
      }
      try {
        if (!interrupted) stop = close_epoch(run, steps.time());
      } catch (const Interrupted&) {
        interrupted = true;
      }
      if (!interrupted && SignalGuard::raised() && !stop) interrupted = p.epoch <= s.experiment.loop.epochs;
      if (!interrupted) continue;
      run.save_checkpoint();
      stop = Outcome::interrupted;
    }
  } catch (const FileError& e) {
    run.lock.check_in_place();
    fail(e.what(), "; then continue the run with --resume");
  }
  return open.close(stop.value_or(Outcome::finished));
}

}  // namespace temper
