#pragma once
#include "apps/results.h"
#include "trainers/loop/loop.h"
#include "trainers/records/run_network.h"

namespace temper {

/// Measures the network of an experiment, whose model.weights says where its numbers are, on its test images or a
/// sample of them.
Results measure(Experiment& experiment, Observer& observer, TestSample sample = {});

/// The same for a run's network: `weights` is last, best, ema or swa.
Results measure_run(Experiment& experiment, const RunFolder& folder, const std::string& weights, Observer& observer,
                    TestSample sample = {});

/// Writes examples.json, report.html and, last, evaluation.json of a run that is trained: a folder with that file has
/// the others. `end` is what training returned; without it, what evaluation.json says of training stays.
void write_run_results(const RunLock& lock, const Results& results, const std::string& program,
                       const TrainResult* end = nullptr);

}  // namespace temper
