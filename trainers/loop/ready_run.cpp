#include "trainers/loop/ready_run.h"

#include "trainers/loop/readiness.h"

namespace temper {

namespace {

DataSplits checked_splits(Experiment& experiment, const RunFolder& folder, Resume resume, ReadyRun::Test test) {
  check_unused(folder, resume);
  DataSplits data = read_splits(experiment);
  if (test == ReadyRun::Test::follows) check_test_split(experiment, data);
  return data;
}

}  // namespace

ReadyRun::ReadyRun(Experiment& experiment, const RunFolder& folder, Resume resume, Test test)
    : experiment(experiment), resume(resume), data(checked_splits(experiment, folder, resume, test)), lock(folder) {}

}  // namespace temper
