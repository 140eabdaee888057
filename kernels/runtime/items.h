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

/// Every item once, by the threads of `team` (null: by the calling one alone), which take them as they come. `thread`
/// says which of them runs an item, from 0 to threads_of(team) - 1. What an item throws, of several the one with the
/// lowest number, is thrown here when all threads have stopped.
void run_items(Team* team, const Items& items);
int threads_of(const Team* team);

}  // namespace temper
