#pragma once
#include <chrono>
#include <optional>

#include "trainers/loop/loop.h"
#include "trainers/loop/train_step.h"
#include "trainers/records/metrics.h"
#include "trainers/records/run_lock.h"
#include "trainers/state/checkpoint.h"
#include "trainers/state/state.h"

namespace temper {

/// A run in progress: its state, folder, lock, log and observer.
struct Run {
  TrainingState& state;
  const RunLock& lock;
  const RunFolder& folder;
  Observer& observer;
  MetricsLog& log;
  CheckpointNotes notes;
  /// The key (step_key) of the step for which plans were chosen last; empty: none yet.
  std::optional<GraphKey> planned = {};

  void save_checkpoint() const;
  void warn(const std::string& text);
};

struct EpochTime {
  double seconds = 0, images_per_second = 0, lr = 0;
  double zero_gradient_percent = 0;  ///< share of attacked images whose gradient was zero in some attack step
};

/// The work around the steps of the open epoch.
class EpochSteps {
 public:
  /// Begins or continues the epoch: chooses plans on a GPU, and calls the method's before_epoch() for a new epoch.
  explicit EpochSteps(Run& run);
  /// To be called after a step: metrics, observers, and a checkpoint if one is due and no signal has come.
  void made(const StepNumbers& step);
  EpochTime time() const;

 private:
  Run& run_;
  std::chrono::steady_clock::time_point start_;
  int64_t images_before_, attacked_ = 0, zero_gradient_ = 0;
  EpochTime time_;
};

/// Validates a trained epoch, saves the best network, opens the next epoch, saves a checkpoint. Returns why training
/// should end, if it should. Throws Interrupted if a signal comes during validation.
std::optional<Outcome> close_epoch(Run& run, const EpochTime& time);

/// Why training should end according to its results so far (early stop or collapse), if it should.
std::optional<Outcome> should_stop(const TrainingState& state);

}  // namespace temper
