#pragma once
#include <functional>

#include "core/engine.h"

namespace temper {

/// Goes through `work` without doing it (class Planning), so that what it computes with can be chosen before it first
/// runs, all at once (ConvBackend::make_plans). False, where it cannot be gone through because the host decides by what
/// the device computes; convolutions met up to there are noted.
bool note_plans(Engine& engine, const std::function<void()>& work);

/// What it took to make the plans of noted convolutions.
struct PlansMade {
  int64_t count = 0;
  double seconds = 0;
  double trial_seconds = 0;  ///< of these, for timing and checking them
};

/// `note` calls note_plans(); then what was noted is made. The time is that of both. Nothing on the CPU, whose
/// libraries have nothing to choose ahead.
PlansMade plan_ahead(Engine& engine, const std::function<void()>& note);

}  // namespace temper
