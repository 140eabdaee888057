#pragma once
// A table of experiments over seeds.
#include <functional>
#include <optional>

#include "workflows/report/seed_table.h"
#include "workflows/run_experiment.h"
#include "workflows/sweep_file.h"

namespace TEMPER_API temper {

/// Told of the runs of a sweep, beside the Observer that is told of each run's progress.
struct SweepProgress {
  /// A run comes next; those that are complete already are left as they are.
  std::function<void(const SweepRun& run, size_t number, RunState found)> on_run = {};
  /// It failed; the others do not depend on it.
  std::function<void(const SweepRun& run, const Error& error)> on_failure = {};
};

struct SweepResult {
  bool interrupted = false;             ///< by a signal; the same call continues
  size_t failed = 0;                    ///< runs; the same call tries them again
  std::optional<SeedTable> table = {};  ///< none: interrupted, or every run failed
};

/// Makes every run of a sweep (read_sweep) that its folder does not hold yet, and writes the table of all into the
/// sweep's folder. What is found in the folders, and what can be known to fail later, is checked before anything is
/// trained. The same call continues a sweep that was ended. `program` is how reports call the temper command. Throws
/// Error for what concerns the sweep as a whole.
SweepResult run_sweep(Sweep& sweep, Observer& observer, const SweepProgress& progress = {},
                      const std::string& program = "temper");

}  // namespace temper
