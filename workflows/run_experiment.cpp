#include "workflows/run_experiment.h"

#include "core/files/file.h"
#include "core/files/folders.h"
#include "trainers/loop/ready_run.h"
#include "trainers/records/run_config.h"
#include "workflows/fingerprint_check.h"
#include "workflows/report/page.h"

namespace temper {

namespace {

// What lies there of a run that was complete before.
RunResult found(const Experiment& experiment, const RunFolder& folder) {
  FingerprintCheck().check(experiment, folder);
  complete_report(folder);
  return {.training = {},
          .test = TestResult{.evaluation = read_evaluation(folder.evaluation()),
                             .examples = read_examples(folder.examples())}};
}

}  // namespace

RunState run_state(const Experiment& experiment, const RunFolder& folder) {
  if (std::filesystem::exists(folder.evaluation()) && has_config(folder, experiment)) return RunState::complete;
  return is_there(folder.config()) ? RunState::started : RunState::absent;
}

RunResult run_experiment(Experiment& experiment, const RunFolder& folder, Observer& observer,
                         const RunOptions& options) {
  if (options.resume == Resume::yes && run_state(experiment, folder) == RunState::complete)
    return found(experiment, folder);
  ReadyRun run(experiment, folder, options.resume, ReadyRun::Test::follows);
  RunResult result{.training = run_training(run, observer), .test = {}};
  if (result.training->outcome == Outcome::interrupted) return result;
  observer.on_test(result.training->end);
  try {
    const TestResult test = test_run(experiment, folder, "last", observer);
    result.test = {.evaluation = write_test(run.lock, test, options.program, &*result.training),
                   .examples = test.examples};
  } catch (const Interrupted&) {  // the result has no test
  }
  return result;
}

void complete_report(const RunFolder& folder) {
  if (std::filesystem::exists(folder.report()) && !std::filesystem::exists(folder.lock())) return;
  const RunLock lock(folder);  // takes away that of a process that was killed
  if (!std::filesystem::exists(folder.report()))
    write_text_atomically(folder.report().string(), run_page(read_run(folder.root)));
}

}  // namespace temper
