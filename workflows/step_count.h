#pragma once
// Counting the passes and the arithmetic of training steps and evaluations.
#include <map>
#include <string>
#include <vector>

#include "core/convolution/arithmetic.h"
#include "data/dataset.h"
#include "trainers/state/state.h"

namespace TEMPER_API temper {

/// What one pass of a network takes on one image: forward; backward to the images, as an attack needs it; backward to
/// the weights, as training needs it.
struct NetworkPasses {
  Arithmetic forward, to_images, to_weights;
};

/// How many passes some work is. Those of other networks, such as a teacher's, count by their arithmetic.
struct PassCount {
  double forward = 0, to_images = 0, to_weights = 0;
};
PassCount count_passes(const Arithmetic& work, const NetworkPasses& one);

/// Random images of a data set's kind, as a training split without validation images.
DataSplits random_splits(const DataSize& size, int64_t count);

/// The experiment with some keys changed, without starting weights, probes and extra images.
Experiment changed(const Experiment& experiment, const std::vector<std::string>& overrides);

/// Makes steps and evaluations of an experiment on two random images, on the CPU, and counts what each convolution and
/// matrix product does. Numbers are per image. What a method does only every so many steps counts by its share.
class StepCounter {
 public:
  StepCounter(const Experiment& experiment, const DataSize& size);

  TrainingState& state() { return state_; }
  NetworkPasses passes();
  /// A step of this epoch.
  const Arithmetic& step(int64_t epoch);
  /// A classification after an attack; null: of clean images.
  Arithmetic evaluation(const Attack* attack);

 private:
  template <class F>
  Arithmetic counted(int64_t steps, const F& work);

  Experiment experiment_;
  RangeLog log_;
  TrainingState state_;
  Loader images_;
  int64_t interval_;  ///< steps after which the method's work repeats
  std::map<int64_t, Arithmetic> steps_;
};

}  // namespace temper
