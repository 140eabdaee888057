#pragma once
#include "trainers/loop/observer.h"
#include "workflows/sweep_file.h"

namespace temper {

/// Finds out before the first run of a sweep starts what would stop one of them later (trainers/loop/readiness.h):
/// data, labels, network, weights, attacks, folders, and disk space for all together. Runs that are complete are left
/// alone. Throws Error naming the run; the observer is told about probable mistakes.
void check_sweep(const Sweep& sweep, Observer& observer);

}  // namespace temper
