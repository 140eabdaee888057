#pragma once
// The test of a trained network: accuracy on clean test images and under attacks, and example images.
#include <string>
#include <vector>

#include "trainers/loop/loop.h"
#include "trainers/records/run_network.h"
#include "workflows/records/evaluation.h"
#include "workflows/records/examples.h"

namespace TEMPER_API temper {

struct TestResult {
  Evaluation evaluation;
  Examples examples;  ///< under the first attack; empty without an attack
};

/// Tests the network of an experiment, with the weights of model.weights, on its test images or a sample of them:
/// clean, then under every attack of the section `evaluation`. Throws Error, and Interrupted if a signal comes while
/// the caller holds a SignalGuard.
TestResult test_network(Experiment& experiment, Observer& observer, TestSample sample = {});

/// The same for a run's network: `weights` is last, best, ema or swa.
TestResult test_run(Experiment& experiment, const RunFolder& folder, const std::string& weights, Observer& observer,
                    TestSample sample = {});

/// Writes examples.json, report.html and, last, evaluation.json of a trained run, so a folder with the latter also has
/// the others. `program` is the name of the temper command in the report. `end` is the result of training; without it,
/// the part about training in evaluation.json stays. Returns the content of that file.
Evaluation write_test(const RunLock& lock, const TestResult& result, const std::string& program,
                      const TrainResult* end = nullptr);

/// The network to test: that of a run, or any network.
struct TestOptions {
  std::string run;                     ///< run folder; empty: the network is given by `model`, `weights` and `data`
  std::string model;                   ///< name of a model, or a YAML file with a section `model`
  std::string weights;                 ///< a file, or last, best, ema or swa of a run; empty: last
  std::string data;                    ///< name of a data set; empty: the run's own
  std::vector<std::string> attacks;    ///< labels of the configuration, or names of attacks; empty: the configuration's
  std::vector<std::string> overrides;  ///< key=value that overrides the configuration
  int64_t batch = 0;                   ///< images per batch; 0: as configured
  TestSample sample = {};
  std::string program = "temper";  ///< name of the temper command in the report
};

/// Tests it. The results of a run's last weights with the run's own configuration, on all of its images, are written
/// into its folder. All other results are only returned, also if images or weights differ from those of the existing
/// results; the observer is warned of such differences. Throws Error without writing anything.
TestResult run_test(const TestOptions& options, Observer& observer);

}  // namespace temper
