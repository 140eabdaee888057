#include "trainers/state/resume.h"

#include <algorithm>

#include "core/files/json.h"

#include "core/text.h"
#include "trainers/loop/train_step.h"
#include "trainers/records/run_config.h"
#include "trainers/records/run_inputs_json.h"
#include "trainers/state/checkpoint.h"

namespace temper {

namespace {

// Returns a warning, if there is one.
std::string check_same_inputs(const LoadedCheckpoint& loaded, const RunInputs& now) {
  if (loaded.notes.inputs.empty())
    return "the run was begun by a version that stored no fingerprint of its images; these may differ";
  const auto j = try_json(loaded.notes.inputs);
  TEMPER_CHECK(j.is_object(), loaded.file, ": the record of the run's images is damaged");
  const std::vector<std::string> changed = differences(run_inputs(j), now);
  TEMPER_CHECK(changed.empty(), "resume: the data are not those of ", loaded.file, ":\n  ", join(changed, "\n  "),
               "\nresume with the run's own data, or start a new run in another folder");
  return "";
}

// The last of an experiment's epochs is always validated.
bool is_validated(const LoopSection& loop, int64_t epoch, int64_t last) {
  return loop.eval_every == 0 || epoch == last || epoch % loop.eval_every == 0;
}

// The schedule of a group of parameters; group 0: those in no group.
const std::string& schedule_of(const Experiment& e, size_t group) {
  const bool own = group > 0 && e.optimizer.options.groups[group - 1].schedule;
  return own ? e.optimizer.options.groups[group - 1].schedule_name : e.schedule.name;
}

void check_epochs(const Experiment& before, const TrainingState& state, const std::string& where) {
  const int64_t was = before.loop.epochs, now = state.experiment.loop.epochs;
  const Progress& p = state.progress;
  const int64_t begun = p.step > 0 ? p.epoch : p.epoch - 1;
  TEMPER_CHECK(now >= begun, "resume: ", where, " holds a run that has begun epoch ", begun, ", but loop.epochs is ",
               now, "; resume with ", begun, " or more, or start a new run in another folder");
  if (now == was) return;
  const auto refuse = [&](const auto&... why) {
    fail("resume: loop.epochs ", was, " -> ", now, ": ", why..., "; resume with loop.epochs: ", was,
         ", or start a new run in another folder");
  };
  if (state.validation && p.epoch == now + 1 && !is_validated(before.loop, now, was))
    refuse("epoch ", now, " was not validated, as a run's last epoch is");
  for (int64_t epoch = 1; epoch <= begun; ++epoch) {
    const int64_t steps = epoch == p.epoch ? p.step : state.steps_per_epoch();
    for (int64_t step = 0; step < steps; ++step)
      for (const Trained& t : state.trained) {
        const auto rates = [&](int64_t epochs) {
          return t.optimizer.rates(
              *state.experiment.schedule.schedule,
              {.epoch = epoch, .step = step, .steps_per_epoch = state.steps_per_epoch(), .epochs = epochs});
        };
        const std::vector<double> made = rates(was), would_be = rates(now);
        const auto other = std::mismatch(made.begin(), made.end(), would_be.begin());
        if (other.first == made.end()) continue;
        const auto group = static_cast<size_t>(other.first - made.begin());
        refuse("the schedule '", schedule_of(state.experiment, group),
               "' spreads its rates over loop.epochs, and step ", step + 1, " of epoch ", epoch, ", which was made at ",
               *other.first, ", would have had ", *other.second);
      }
  }
}

// A run that was begun without roll-backs has no good state yet: it is the one that it goes on from.
void restore_state(const LoadedCheckpoint& loaded, TrainingState& state) {
  const bool from_here = state.good && loaded.content.metadata.count("progress.rollbacks") == 0;
  std::optional<StateCopy> good;
  if (from_here) std::swap(good, state.good);
  restore(loaded.content, loaded.file, [&](StateVisitor& v) { state.visit(v); });
  if (!from_here) return;
  std::swap(good, state.good);
  state.good->take();
}

}  // namespace

std::vector<std::string> resume_from(const RunFolder& folder, TrainingState& state) {
  TEMPER_CHECK(std::filesystem::exists(folder.config()), "resume: ", folder.root.string(),
               " holds no run; start it without --resume");
  if (!std::filesystem::exists(folder.last()) && !std::filesystem::exists(folder.previous())) {
    check_same_run(folder, state.experiment);
    return {"the run was stopped before its first checkpoint; starting from the beginning"};
  }
  const LoadedCheckpoint loaded = load_checkpoint(folder);
  const Experiment before = experiment_of(loaded.notes.config, loaded.file);
  check_same_config(before, state.experiment, loaded.file);
  std::vector<std::string> warnings;
  for (const std::string& warning : {loaded.warning, check_same_inputs(loaded, state.inputs)})
    if (!warning.empty()) warnings.push_back(warning);
  restore_state(loaded, state);
  check_epochs(before, state, loaded.file);
  // Otherwise the next save would make the damaged file the previous one and lose this good one.
  if (!loaded.warning.empty()) std::filesystem::remove(folder.last());
  return warnings;
}

}  // namespace temper
