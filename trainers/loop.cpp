#include "trainers/loop.h"

#include <chrono>
#include <ctime>

#include <nlohmann/json.hpp>

#include "core/cpus.h"
#include "core/environment.h"
#include "core/file.h"
#include "core/text.h"
#include "nn/weights.h"
#include "trainers/checkpoint.h"
#include "trainers/config_diff.h"
#include "trainers/epoch.h"
#include "trainers/signals.h"
#include "trainers/validate.h"

namespace temper {

namespace {

void write_text(const std::filesystem::path& file, const std::string& text) {
  write_file_atomically(file.string(), {std::span<const char>(text.data(), text.size())});
}

// A resolved configuration with the keys that came later than it: those stand for their defaults.
std::string with_every_key(const std::string& text, const std::string& where) {
  return YAML::Dump(read_experiment(parse_config(text, where)).resolved);
}

void check_same_config(const std::string& before, const std::string& now, const std::string& where) {
  const std::vector<std::string> differences = config_differences(with_every_key(before, where), now);
  TEMPER_CHECK(differences.empty(), "resume: this is not the configuration of ", where, "; it differs in\n  ",
               join(differences, "\n  "),
               "\nresume with the run's own configuration, or start a new run in another folder");
}

// Brings the state to where the folder says the run was. Returns a warning, if there is one.
std::string resume_from(const RunFolder& folder, const std::string& config, TrainingState& state) {
  TEMPER_CHECK(std::filesystem::exists(folder.config()), "resume: ", folder.root.string(),
               " holds no run; start it without --resume");
  if (!std::filesystem::exists(folder.last()) && !std::filesystem::exists(folder.previous())) {
    const std::vector<char> text = read_file(folder.config().string());
    check_same_config({text.begin(), text.end()}, config, folder.config().string());
    return "the run was stopped before its first checkpoint; starting from the beginning";
  }
  const LoadedCheckpoint loaded = load_checkpoint(folder);
  check_same_config(loaded.config, config, loaded.file);
  restore(loaded.content, loaded.file, [&](StateVisitor& v) { state.visit(v); });
  // Otherwise the next save would make the damaged file the previous one and lose this good one.
  if (!loaded.warning.empty()) std::filesystem::remove(folder.last());
  return loaded.warning;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

void write_environment(const RunFolder& folder, const TrainingState& state, Resume resume) {
  nlohmann::ordered_json j = environment();
  j["device"] = name(state.engine.device());
  j["compute"] = name(state.experiment.precision);
  j["threads"] = state.engine.team().size();
  j[resume == Resume::yes ? "resumed" : "started"] = utc_now();
  write_text(folder.environment(), j.dump(2) + "\n");
}

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

Outcome train(Run& run) {
  Progress& p = run.state.progress;
  std::optional<Outcome> stop = should_stop(run.state);
  while (!stop && p.epoch <= run.state.experiment.loop.epochs) {
    const std::optional<EpochTime> time = train_epoch(run);
    bool interrupted = !time;
    try {
      if (time) stop = close_epoch(run, *time);
    } catch (const Interrupted&) {
      interrupted = true;
    }
    if (!interrupted && SignalGuard::raised() && !stop) interrupted = p.epoch <= run.state.experiment.loop.epochs;
    if (!interrupted) continue;
    run.save_checkpoint();
    return Outcome::interrupted;
  }
  return stop.value_or(Outcome::finished);
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
  const SignalGuard signals;
  const auto start = std::chrono::steady_clock::now();
  TEMPER_CHECK(resume == Resume::yes || !std::filesystem::exists(folder.config()), folder.root.string(),
               ": already holds a run; continue it with --resume, or choose another folder");
  const std::string config = YAML::Dump(experiment.resolved) + "\n";
  TrainingState state(experiment, read_splits(experiment));
  const std::string warning = resume == Resume::yes ? resume_from(folder, config, state) : "";
  std::filesystem::remove(folder.evaluation());  // of the run before it was continued

  std::filesystem::create_directories(folder.checkpoints());
  write_text(folder.config(), config);
  write_environment(folder, state, resume);
  MetricsLog log(folder, state.progress.epoch, state.progress.step);
  Run run{state, folder, observer, log, config};
  observer.on_start(start_report(state));
  if (!warning.empty()) run.warn(warning);
  if (const std::string note = note_on_threads(experiment.threads); !note.empty()) run.warn(note);

  TrainResult result;
  result.outcome = train(run);
  if (const std::string& note = state.engine.arena().note(); !note.empty()) run.warn(note);
  for (const std::string& note : state.engine.conv().notes()) run.warn(note);
  for (const std::string& note : state.graph->notes()) run.warn(note);
  if (result.outcome != Outcome::interrupted) save_averages(state, folder);
  const Progress& p = state.progress;
  result.images_train = state.images_train;
  result.images_validation = state.images_validation;
  result.train_seconds = log.train_seconds();
  result.end = {.outcome = name(result.outcome),
                .epochs = p.epoch - 1,
                .steps = p.total_steps,
                .best_epoch = p.best_epoch,
                .best = p.best,
                .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
                .peak_bytes = static_cast<int64_t>(state.engine.arena().peak())};
  observer.on_end(result.end);
  return result;
}

}  // namespace temper
