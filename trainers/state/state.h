#pragma once
// Everything one run holds in memory, and what of it a checkpoint keeps.
#include <memory>
#include <optional>
#include <vector>

#include "core/graph/step_graph.h"
#include "data/loader.h"
#include "trainers/experiment.h"
#include "trainers/loop/observer.h"
#include "trainers/loop/step_values.h"
#include "trainers/methods/parts/scalar.h"
#include "trainers/optimizers/averages.h"
#include "trainers/optimizers/loss_scaler.h"
#include "trainers/optimizers/weight_optimizer.h"
#include "trainers/records/run_inputs.h"

namespace temper {

/// Where a run stands. `step` == steps per epoch: the epoch is trained but not yet validated.
struct Progress {
  int64_t epoch = 1;        ///< the one in progress, 1-based
  int64_t step = 0;         ///< steps of it already done
  int64_t total_steps = 0;  ///< steps of the whole run
  double loss_sum = 0;      ///< over the images of this epoch so far
  int64_t images = 0;
  int64_t best_epoch = 0;  ///< 0: nothing validated yet
  ValidationReport best;
  int64_t since_best = 0;  ///< validations since then
  int64_t collapsed = 0;   ///< whether the collapse guard has spoken since the best
};

/// The training and validation images of an experiment.
struct DataSplits {
  ImageSet train, validation;
  DataShape shape;
  RunInputs inputs = {};
};
DataSplits read_splits(const Experiment& experiment);

/// Weights in training: the network's, or those of a part that a method trains beside it.
struct Trained {
  std::string name;  ///< of what its optimiser keeps, in checkpoints
  ParamBuffer gradient;
  WeightOptimizer optimizer;
};

/// Where the numbers of a step lie in its step_sums.
struct StepSums {
  int norms;    ///< the squared norm of each gradient, after the loss
  int attacks;  ///< what drain_tally() says of the attacks (kernels/gradient_notes)
  int weights;  ///< the squared norm of all that moved, after the move: each of `trained`, and the network's statistics
  int terms;    ///< what the method logged
};

class TrainingState {
 public:
  /// With `ranges` the named ranges of all work are timed there; `attacks` is shown what attacks find.
  explicit TrainingState(Experiment& experiment, DataSplits data, RangeLog* ranges = nullptr,
                         AttackObserver* attacks = nullptr);

  int64_t steps_per_epoch() const { return train.batches(); }
  TrainContext context();
  /// Where the gradients of everything in training go, the network's first.
  std::vector<GradientBuffer> gradients();
  StepSums sums() const {
    const int count = static_cast<int>(trained.size());
    return {.norms = 1, .attacks = 1 + count, .weights = 4 + count, .terms = 5 + 2 * count};
  }
  /// What the method logged, with what was read of step_sums.
  Metrics logged(const std::vector<double>& sums) const;
  /// Lists what a checkpoint holds.
  void visit(StateVisitor& v);

  Experiment& experiment;
  Engine engine;
  std::unique_ptr<Network> network;
  int64_t images_train, images_validation;
  RunInputs inputs;
  Loader train;
  std::unique_ptr<Loader> validation;  ///< null: no validation images
  std::vector<Trained> trained;        ///< the network first
  std::optional<Average> ema, swa;
  Progress progress;
  StepValues values;  ///< of the step in progress
  LossScaler loss_scaler;
  std::optional<Scalars> step_sums;  ///< of the last step: its loss, and what sums() lists
  std::optional<StepLog> log;        ///< of the same step
  std::optional<StepGraph> graph;
  bool epoch_read = false;  ///< the method has looked at the epoch, so what it does may depend on it
};

}  // namespace temper
