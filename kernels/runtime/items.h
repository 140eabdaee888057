#pragma once
// What a team of threads is handed. Holds no code: files that are compiled for other instruction sets include it.
#include <cstdint>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

class Team;

/// Work in numbered items that do not depend on each other.
struct Items {
  int64_t count;
  void (*call)(const void* body, int64_t item, int thread);
  const void* body;
};

/// Runs every item once, on the threads of `team` (null: on the calling one), which take items as they become free.
/// `thread` is the number of the running thread, from 0 to threads_of(team) - 1. If items throw, the exception of the
/// lowest item is rethrown here after all threads have stopped.
void run_items(Team* team, const Items& items);
int threads_of(const Team* team);

}  // namespace temper
