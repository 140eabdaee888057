#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

class TrainingState;
struct PlansMade;

/// What is known when training starts.
struct StartReport {
  std::string method, model, data, device;
  int64_t parameters = 0;
  int64_t images_train = 0, images_validation = 0;
  int64_t epochs = 0, steps_per_epoch = 0;
  int64_t epoch = 1;  ///< where it starts: more than 1, or step > 0, when resumed
  int64_t step = 0;   ///< steps of that epoch already done
};

struct StepReport {
  int64_t epoch = 1, epochs = 1;
  int64_t step = 0;  ///< within the epoch, 1-based: steps done
  int64_t steps_per_epoch = 1;
  double loss = 0, lr = 0;
  double images_per_second = 0;  ///< over the epoch so far
};

/// Accuracy in percent.
struct ValidationReport {
  double clean = 0, robust = 0;
  double zero_gradient = 0;  ///< share of images whose gradient was zero in some step of the attack
};

/// A measurement between validations (loop.probe).
struct ProbeReport {
  int64_t epoch = 1, step = 0, total_step = 0;  ///< after which step
  double robust = 0;                            ///< accuracy in percent
};

struct EpochReport {
  int64_t epoch = 1, epochs = 1;
  double train_loss = 0;  ///< mean over the epoch's images
  double lr = 0;          ///< of its last step
  double seconds = 0;     ///< training, validation not included
  double images_per_second = 0;
  std::optional<ValidationReport> validation;  ///< none in an epoch that was not validated
  std::optional<ValidationReport> ema, swa;    ///< the same for the averaged weights
  double validation_seconds = 0;
  bool best = false;  ///< the highest robust validation accuracy so far
};

struct EndReport {
  std::string outcome;  ///< finished, early_stop, collapse, interrupted
  int64_t epochs = 0, steps = 0;
  int64_t best_epoch = 0;  ///< 0: nothing was validated
  ValidationReport best;
  double seconds = 0;        ///< of this process
  double train_seconds = 0;  ///< all epochs, validation not included; of an interrupted one the resumed part
  int64_t peak_bytes = 0;    ///< highest use of the arena, over training steps and validation batches
};

/// Callbacks that observe a run without influencing it. The command line shows them, tests record them.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_start(const StartReport&) {}
  /// Before on_step: the state after the step, to read and to compute with. Its gradient buffers still hold the
  /// gradients of that step.
  virtual void on_state(TrainingState&) {}
  virtual void on_step(const StepReport&) {}
  /// Progress through a validation or test pass: `what` is "validation" or an attack's label.
  virtual void on_evaluate(const std::string& what, int64_t done, int64_t total) {
    (void)what, (void)done, (void)total;
  }
  virtual void on_epoch(const EpochReport&) {}
  virtual void on_warning(const std::string&) {}
  /// Plans of convolutions were chosen ahead of their first use. Called on a GPU only, where that takes a while.
  virtual void on_plans(const PlansMade&) {}
  virtual void on_end(const EndReport&) {}
  /// Training has ended, and the test images are measured now, once.
  virtual void on_test(const EndReport&) {}
};

}  // namespace temper
