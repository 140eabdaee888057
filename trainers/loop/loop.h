#pragma once
#include "trainers/experiment.h"
#include "trainers/loop/observer.h"
#include "trainers/records/run_folder.h"
#include "trainers/records/run_lock.h"

namespace TEMPER_API temper {

struct ReadyRun;

enum class Resume : uint8_t { no, yes };
enum class Outcome : uint8_t { finished, early_stop, collapse, interrupted };
const char* name(Outcome outcome);

/// The exit code after SIGINT or SIGTERM ended a run that --resume can continue (sysexits' EX_TEMPFAIL).
inline constexpr int kExitInterrupted = 75;

struct TrainResult {
  Outcome outcome = Outcome::finished;
  EndReport end;
  int64_t images_train = 0, images_validation = 0;
};

/// Trains an experiment and writes the run folder (config, data, environment, metrics, checkpoints); an existing
/// evaluation and report are removed. SIGINT, SIGTERM and SIGHUP finish the step, save and return Outcome::interrupted.
/// First it checks everything that can be checked, and warns about probable mistakes, before anything is written
/// (trainers/loop/readiness.h). Throws Error for a folder that already holds a run (without Resume::yes), that another
/// process works in, or that is moved during the run; for a resume that contradicts the training so far
/// (trainers/state/resume.h); for a loss or gradient that is not finite (naming epoch, step, learning rate and the last
/// good checkpoint); and for a file that cannot be written. The same experiment gives the same bits, with or without
/// interruptions, and on a CPU with any number of threads.
TrainResult run_training(Experiment& experiment, const RunFolder& folder, Observer& observer,
                         Resume resume = Resume::no);
/// The same for a run that was read and checked before (ready_run.h). The caller keeps the lock of the folder.
TrainResult run_training(ReadyRun& ready, Observer& observer);

}  // namespace temper
