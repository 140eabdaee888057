#include "apps/train_run.h"

#include <filesystem>

#include "core/files/file.h"
#include "evaluation/report/page.h"
#include "evaluation/report/parts.h"
#include "trainers/loop/readiness.h"
#include "trainers/state/resume.h"

namespace temper {

namespace {

DataSplits checked_splits(Experiment& experiment, const RunFolder& folder, Resume resume) {
  check_unused(folder, resume);
  DataSplits data = read_splits(experiment);
  check_test_split(experiment, data);
  return data;
}

}  // namespace

bool is_complete(const Experiment& experiment, const RunFolder& folder) {
  if (!std::filesystem::exists(folder.evaluation()) || !std::filesystem::exists(folder.config())) return false;
  const std::string file = folder.config().string();
  return with_every_key(read_text(file), file) == with_every_key(experiment.resolved.yaml(), "the configuration");
}

void complete_report(const RunFolder& folder) {
  if (std::filesystem::exists(folder.report()) && !std::filesystem::exists(folder.lock())) return;
  const RunLock lock(folder);  // takes away that of a process that was killed
  if (!std::filesystem::exists(folder.report())) write_text(folder.report().string(), run_page(read_run(folder.root)));
}

ReadyRun::ReadyRun(Experiment& experiment, const RunFolder& folder, Resume resume)
    : data(checked_splits(experiment, folder, resume)), lock(folder) {}

std::optional<Results> test_trained(Experiment& experiment, const RunLock& lock, const TrainResult& trained,
                                    ConsoleObserver& observer, const std::string& program) {
  if (trained.outcome == Outcome::interrupted) return {};
  observer.line("trained in " + report::duration(trained.train_seconds) + "; now the test images, once");
  try {
    Results results = measure_run(experiment, lock.folder(), "last", observer);
    write_run_results(lock, results, program, &trained);
    observer.clear();
    return results;
  } catch (const Interrupted&) {
    return {};
  }
}

}  // namespace temper
