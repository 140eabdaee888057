#include "apps/train_run.h"

#include <filesystem>

#include "evaluation/report_parts.h"
#include "trainers/readiness.h"
#include "trainers/signals.h"

namespace temper {

bool is_complete(const Experiment& experiment, const RunFolder& folder) {
  return std::filesystem::exists(folder.evaluation()) && std::filesystem::exists(folder.config()) &&
         YAML::Dump(YAML::LoadFile(folder.config().string())) == YAML::Dump(experiment.resolved);
}

std::optional<Results> train_run(Experiment& experiment, const RunFolder& folder, Resume resume,
                                 ConsoleObserver& observer, const std::string& program) {
  const SignalGuard signals;
  check_unused(folder, resume);
  DataSplits data = read_splits(experiment);
  check_test_split(experiment, data);
  const TrainResult trained = run_training(experiment, std::move(data), folder, observer, resume);
  if (trained.outcome == Outcome::interrupted) return {};
  observer.line("trained in " + report::duration(trained.train_seconds) + "; now the test images, once");
  try {
    Results results = measure_run(experiment, folder, "last", observer);
    write_run_results(folder, results, program, &trained);
    observer.clear();
    return results;
  } catch (const Interrupted&) {
    return {};
  }
}

}  // namespace temper
