#include "core/plan_ahead.h"

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
  const int64_t before = engine.conv().stats().primitives_created;
  note();
  engine.conv().make_plans(engine.stream());
  return {.count = engine.conv().stats().primitives_created - before,
          .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

}  // namespace temper
