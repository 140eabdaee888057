#pragma once
#include "trainers/loop/observer.h"
#include "workflows/sweep_file.h"

namespace temper {

/// Checks all runs of a sweep before the first one starts (trainers/loop/readiness.h): data, labels, network, weights,
/// attacks, folders, and disk space for all runs together. Complete runs are skipped. Throws Error naming the run; the
/// observer is warned about probable mistakes.
void check_sweep(const Sweep& sweep, Observer& observer);

}  // namespace temper
