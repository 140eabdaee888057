#pragma once
#include "evaluation/robust_accuracy.h"
#include "trainers/experiment.h"
#include "trainers/loop/observer.h"
#include "trainers/records/run_folder.h"

namespace TEMPER_API temper {

/// One line of a results table.
struct TestRow {
  std::string label;        ///< "clean", or the attack's label
  std::string description;  ///< every parameter of the attack
  ConfigNode settings;      ///< the attack's section with every key; none of "clean"
  Accuracy accuracy;
  double seconds = 0;
};

/// Measures a network on the test split: clean, then every attack of experiment.evaluation. Throws Interrupted when a
/// signal comes while the caller holds a SignalGuard.
std::vector<TestRow> evaluate_test(Engine& engine, const Network& network, const Experiment& experiment,
                                   const ImageSet& test, Observer& observer);

}  // namespace temper
