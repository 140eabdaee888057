#include "apps/train_run.h"

#include <filesystem>

#include "core/file.h"
#include "evaluation/report_page.h"
#include "evaluation/report_parts.h"
#include "trainers/readiness.h"
#include "trainers/resume.h"
#include "trainers/signals.h"

namespace temper {

bool is_complete(const Experiment& experiment, const RunFolder& folder) {
  if (!std::filesystem::exists(folder.evaluation()) || !std::filesystem::exists(folder.config())) return false;
  const std::string file = folder.config().string();
  return with_every_key(read_text(file), file) == with_every_key(YAML::Dump(experiment.resolved), "the configuration");
}

void complete_report(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.report())) write_text(folder.report().string(), run_page(read_run(folder.root)));
}

std::optional<Results> train_run(Experiment& experiment, const RunFolder& folder, Resume resume,
                                 ConsoleObserver& observer, const std::string& program) {
  const SignalGuard signals;
  check_unused(folder, resume);
  DataSplits data = read_splits(experiment);
  check_test_split(experiment, data);
  const RunLock lock(folder);
  const TrainResult trained = run_training(experiment, std::move(data), lock, observer, resume);
  if (trained.outcome == Outcome::interrupted) return {};
  observer.line("trained in " + report::duration(trained.train_seconds) + "; now the test images, once");
  try {
    Results results = measure_run(experiment, folder, "last", observer);
    write_run_results(lock, results, program, &trained);
    observer.clear();
    return results;
  } catch (const Interrupted&) {
    return {};
  }
}

}  // namespace temper
