#pragma once
// The state of a run in memory; visit() lists the part that checkpoints hold.
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
#include "trainers/optimizers/weight_perturbation.h"
#include "trainers/records/run_inputs.h"
#include "trainers/state/state_copy.h"

namespace TEMPER_API temper {

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
  int64_t collapsed = 0;   ///< 1 if the collapse guard has warned since the best
  double probe_best = 0;   ///< robust accuracy of the best probe
  int64_t rollbacks = 0;   ///< how often the run went back to its last good state
};

/// The batch that a step shows.
struct ShownBatch {
  int64_t epoch = 1, index = 0;
};

/// The training and validation images of an experiment.
struct DataSplits {
  ImageSet train, validation;
  DataShape shape;
  RunInputs inputs = {};
  std::shared_ptr<const MappedImages> extra = {};  ///< of data.extra; null: none
};
DataSplits read_splits(const Experiment& experiment);

/// Weights in training: the network's, or those of a part that is trained with it.
struct Trained {
  std::string name;  ///< prefix of the optimiser's state in checkpoints
  ParamBuffer gradient;
  WeightOptimizer optimizer;
};

/// Indices into the step_sums of a step; the loss is at 0.
struct StepSums {
  int norms;    ///< squared norm of each gradient
  int attacks;  ///< the counters of drain_tally() (kernels/gradient_notes)
  int weights;  ///< squared norms after the update: of the weights of each of `trained`, and of the running statistics
  int terms;    ///< terms that the method logged
};

class TrainingState {
 public:
  /// `ranges` collects the time of all named ranges, `attacks` sees the results of all attacks; both may be null.
  explicit TrainingState(Experiment& experiment, DataSplits data, RangeLog* ranges = nullptr,
                         AttackObserver* attacks = nullptr);

  int64_t steps_per_epoch() const { return train.batches(); }
  /// The batch of the next step: the step's own, unless the method replays batches (Trainer::replays).
  ShownBatch shown() const;
  TrainContext context();
  /// The gradient buffers of everything in training, the network's first.
  std::vector<GradientBuffer> gradients();
  /// Whether the steps of the epoch in progress perturb the weights.
  bool perturbs() const { return experiment.awp.due(progress.epoch); }
  StepSums sums() const {
    const int count = static_cast<int>(trained.size());
    return {.norms = 1, .attacks = 1 + count, .weights = 4 + count, .terms = 5 + 2 * count};
  }
  /// What the method logged; `sums` are the values read from step_sums.
  Metrics logged(const std::vector<double>& sums) const;
  /// Lists what a checkpoint holds.
  void visit(StateVisitor& v);
  /// Lists the part of it that training moves, without position and results.
  void visit_trained(StateVisitor& v);

  Experiment& experiment;
  Engine engine;
  std::unique_ptr<Network> network;
  int64_t images_train, images_validation;
  RunInputs inputs;
  Loader train;
  std::unique_ptr<Loader> validation;  ///< null: no validation images
  std::unique_ptr<Loader> probe;       ///< the images of loop.probe; null: none
  std::vector<Trained> trained;        ///< the network first
  std::optional<Average> ema, swa;
  std::optional<WeightPerturbation> awp;
  std::optional<StateCopy> good;  ///< with loop.on_collapse: roll_back, what visit_trained() listed when last good
  Progress progress;
  StepValues values;  ///< of the step in progress
  LossScaler loss_scaler;
  std::optional<Scalars> step_sums;  ///< of the last step: its loss and the numbers of StepSums
  std::optional<StepLog> log;        ///< of the same step
  std::optional<StepGraph> graph;
  bool epoch_read = false;  ///< the method has read the epoch, so the key of a captured step includes it
};

}  // namespace temper
