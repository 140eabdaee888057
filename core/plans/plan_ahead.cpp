#include "core/plans/plan_ahead.h"

#include <chrono>

namespace temper {

bool note_plans(Engine& engine, const std::function<void()>& work) {
  const Planning planning(engine.capture());
  const Arena::Scope scope(engine.arena());
  try {
    work();
  } catch (const NotRepeatable&) {
    return false;
  }
  return true;
}

PlansMade plan_ahead(Engine& engine, const std::function<void()>& note) {
  if (engine.device() == Device::cpu) return {};
  const auto start = std::chrono::steady_clock::now();
  const ConvStats before = engine.conv().stats();
  note();
  engine.conv().make_plans(engine.stream());
  const ConvStats now = engine.conv().stats();
  return {.count = now.primitives_created - before.primitives_created,
          .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          .trial_seconds = now.trial_seconds - before.trial_seconds};
}

}  // namespace temper
