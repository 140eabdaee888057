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

/// What a process exits with after SIGINT or SIGTERM ended a run that --resume can continue (sysexits' EX_TEMPFAIL).
inline constexpr int kExitInterrupted = 75;

struct TrainResult {
  Outcome outcome = Outcome::finished;
  EndReport end;
  int64_t images_train = 0, images_validation = 0;
};

/// Trains an experiment and fills the run folder (config, data, environment, metrics, checkpoints); an evaluation and a
/// report that lie there are removed. SIGINT, SIGTERM and SIGHUP finish the step, save and return Outcome::interrupted.
/// Probable mistakes are warned about first; what can be known to fail fails before anything is written
/// (trainers/loop/readiness.h). Throws Error: a folder that already holds a run without Resume::yes, one that another
/// process works in, or that is moved away; a resume that contradicts what is trained (trainers/state/resume.h), a loss
/// or gradient that is not finite (naming epoch, step, learning rate and the last good checkpoint), a file that cannot
/// be written. The same experiment gives the same bits, interrupted and resumed or not, and on a CPU with any number of
/// threads.
TrainResult run_training(Experiment& experiment, const RunFolder& folder, Observer& observer,
                         Resume resume = Resume::no);
/// The same with what was read and checked before (ready_run.h), in a folder that the caller goes on working in.
TrainResult run_training(ReadyRun& ready, Observer& observer);

}  // namespace temper
