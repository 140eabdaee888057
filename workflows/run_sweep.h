#pragma once
// A table of experiments over seeds.
#include <functional>
#include <optional>

#include "workflows/report/seed_table.h"
#include "workflows/run_experiment.h"
#include "workflows/sweep_file.h"

namespace TEMPER_API temper {

/// Callbacks for the runs of a sweep. The progress within a run goes to the Observer.
struct SweepProgress {
  /// Before each run. A complete one is left alone.
  std::function<void(const SweepRun& run, size_t number, RunState found)> on_run = {};
  /// A run failed. The sweep goes on with the others.
  std::function<void(const SweepRun& run, const Error& error)> on_failure = {};
};

struct SweepResult {
  bool interrupted = false;             ///< by a signal; the same call continues
  size_t failed = 0;                    ///< runs; the same call tries them again
  std::optional<SeedTable> table = {};  ///< none: interrupted, or every run failed
};

/// Makes the runs of a sweep (read_sweep) that are not complete yet, and writes the table of all into the sweep's
/// folder. Existing runs, data, networks and disk space are checked before anything is trained. The same call continues
/// a sweep that was interrupted. `program` is how reports call the temper command. Throws Error where the sweep as a
/// whole cannot work; the failure of a single run goes to `progress`.
SweepResult run_sweep(Sweep& sweep, Observer& observer, const SweepProgress& progress = {},
                      const std::string& program = "temper");

}  // namespace temper
