#pragma once
#include <functional>

#include "core/engine.h"

namespace temper {

/// A planning pass (class Planning): executes `work` without running anything on the device, to collect the
/// convolutions whose plans it needs (ConvBackend::make_plans). Returns false if that is not possible because host code
/// depends on results of the device; convolutions up to that point are collected.
bool note_plans(Engine& engine, const std::function<void()>& work);

/// The cost of making the plans of collected convolutions.
struct PlansMade {
  int64_t count = 0;
  double seconds = 0;
  double trial_seconds = 0;  ///< of these, for timing and checking them
};

/// Calls `note`, which calls note_plans(), then makes the plans. The time is that of both. Does nothing on the CPU,
/// whose libraries need no plans.
PlansMade plan_ahead(Engine& engine, const std::function<void()>& note);

}  // namespace temper
