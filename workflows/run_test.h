#pragma once
// The test images, once a network is trained: accuracy clean and under attacks, and pictures of it.
#include <string>
#include <vector>

#include "trainers/loop/loop.h"
#include "trainers/records/run_network.h"
#include "workflows/records/evaluation.h"
#include "workflows/records/examples.h"

namespace TEMPER_API temper {

struct TestResult {
  Evaluation evaluation;
  Examples examples;  ///< under the first attack; no images without one
};

/// Measures the network of an experiment, whose model.weights says where its numbers are, on its test images or a
/// sample of them: clean, then under every attack of the section `evaluation`. Throws Error, and Interrupted when a
/// signal comes while the caller holds a SignalGuard.
TestResult test_network(Experiment& experiment, Observer& observer, TestSample sample = {});

/// The same for a run's network: `weights` is last, best, ema or swa.
TestResult test_run(Experiment& experiment, const RunFolder& folder, const std::string& weights, Observer& observer,
                    TestSample sample = {});

/// Writes examples.json, report.html and, last, evaluation.json of a run that is trained: a folder with that file has
/// the others. `program` is how the report calls the temper command. `end` is what training returned; without it, what
/// evaluation.json says of training stays. Returns what that file holds now.
Evaluation write_test(const RunLock& lock, const TestResult& result, const std::string& program,
                      const TrainResult* end = nullptr);

/// What is measured: a run, or any network.
struct TestOptions {
  std::string run;                     ///< folder of a run; empty: `model`, `weights` and `data` say what is measured
  std::string model;                   ///< name of a model, or a YAML file with a section `model`
  std::string weights;                 ///< a file; of a run also last, best, ema or swa; empty: last
  std::string data;                    ///< name of a data set; empty: the run's own
  std::vector<std::string> attacks;    ///< labels of the configuration, or names of attacks; empty: the configuration's
  std::vector<std::string> overrides;  ///< key=value that overrides the configuration
  int64_t batch = 0;                   ///< images per batch; 0: as configured
  TestSample sample = {};
  std::string program = "temper";  ///< how a report that is written calls the temper command
};

/// Measures it. A run's last weights under the run's own configuration, on all of its images, are its own results: they
/// are written into its folder. Anything else, and anything measured on other images or weights than the results that
/// lie there, is only returned; the observer is warned of such differences. Throws Error; nothing is written then.
TestResult run_test(const TestOptions& options, Observer& observer);

}  // namespace temper
