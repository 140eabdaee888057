#include "workflows/run_sweep.h"

#include "trainers/records/run_config.h"
#include "workflows/fingerprint_check.h"
#include "workflows/sweep_check.h"

namespace temper {

namespace {

RunState state_of(const SweepRun& run) { return run_state(run.experiment, run.folder); }

// What is found in the folders has to be what the sweep asks for, before anything is trained.
void check_begun_runs(const Sweep& sweep) {
  FingerprintCheck data;
  for (const SweepRun& r : sweep.runs) {
    const RunState state = state_of(r);
    if (state == RunState::started) check_same_run(r.folder, r.experiment);
    if (state != RunState::absent) data.check(r.experiment, r.folder);
  }
}

SeedTable table_of(const Sweep& sweep) {
  std::vector<int> seeds;
  std::vector<MethodRuns> methods;
  for (const std::string& label : sweep.labels) {
    MethodRuns& method = methods.emplace_back(MethodRuns{label, {}, sweep.published.at(label)});
    for (const SweepRun& run : sweep.runs) {
      if (run.label != label) continue;
      const bool tested = state_of(run) == RunState::complete;
      method.runs.push_back(tested ? std::optional(read_run(run.folder.root)) : std::nullopt);
      if (methods.size() == 1) seeds.push_back(run.seed);
    }
  }
  return seed_table(sweep.title, seeds, methods);
}

}  // namespace

SweepResult run_sweep(Sweep& sweep, Observer& observer, const SweepProgress& progress, const std::string& program) {
  check_begun_runs(sweep);
  check_sweep(sweep, observer);
  SweepResult result;
  for (size_t i = 0; i < sweep.runs.size(); ++i) {
    SweepRun& run = sweep.runs[i];
    const RunState state = state_of(run);
    if (progress.on_run) progress.on_run(run, i + 1, state);
    if (state == RunState::complete) {
      complete_report(run.folder);
      continue;
    }
    try {
      const Resume resume = state == RunState::started ? Resume::yes : Resume::no;
      result.interrupted = !run_experiment(run.experiment, run.folder, observer, {resume, program}).test;
      if (result.interrupted) return result;
    } catch (const Error& e) {
      if (progress.on_failure) progress.on_failure(run, e);
      ++result.failed;
    }
  }
  if (result.failed == sweep.runs.size()) return result;
  result.table = table_of(sweep);
  write_tables(*result.table, sweep.out);
  return result;
}

}  // namespace temper
