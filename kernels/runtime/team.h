#pragma once
// Threads that share the work of an engine on the CPU, and loops on them.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/runtime/items.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// Loops over fewer elements than this run on one thread.
inline constexpr int64_t kParallelGrain = 1 << 14;

/// The calling thread and helper threads, which start when first needed. Every thread begins with its own share of the
/// items, the same for the same number of items, and then steals items that others have not started. So a preempted
/// thread delays the others only if it is in the middle of an item. A waiting thread spins for some microseconds, then
/// sleeps. For one caller at a time; an item that calls its own team runs that work on its own thread.
class Team {
 public:
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;

  int size() const { return size_; }
  void run(const Items& items);

 private:
  /// A thread's share of the items, and the CPU it ran on last.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
    std::atomic<int> cpu{-1};  ///< of the caller, and of helpers in work(); -1: none
  };
  void start();
  void help(int thread);
  void await_round(uint32_t seen);
  void work(int thread);
  void call(int64_t item, int thread);
  void await_helpers();

  const int size_;
  std::unique_ptr<Share[]> shares_;
  std::vector<std::thread> helpers_;
  bool started_ = false;
  Items items_{};
  std::atomic<uint32_t> round_{0};   ///< counts calls of run()
  std::atomic<uint32_t> inside_{0};  ///< helpers that may use the items
  std::atomic<bool> open_{false};    ///< whether there are items to take
  std::atomic<bool> stop_{false};
  std::mutex failing_;
  std::exception_ptr failure_;
  int64_t failed_ = 0;  ///< the item that threw failure_
};

/// f(item, thread) for every item in [0, count).
template <class F>
void each_item(Team* team, int64_t count, const F& f) {
  run_items(team,
            {.count = count,
             .call = [](const void* body, int64_t item, int thread) { (*static_cast<const F*>(body))(item, thread); },
             .body = &f});
}

/// f(from, to) for pieces of [0, n), where each of the n represents `weight` elements; one piece if there are few
/// elements. The pieces depend on the number of threads.
template <class F>
void in_pieces(Stream stream, int64_t n, int64_t weight, const F& f) {
  constexpr int64_t kLeast = 1 << 13, kOfThread = 8, kTogether = 64;
  const int threads = threads_of(stream.team);
  if (threads == 1 || n * weight < kParallelGrain) return f(int64_t{0}, n);
  const auto up = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  int64_t piece = std::max(up(kLeast, weight), up(n, threads * kOfThread));
  if (weight < kTogether) piece = up(piece, kTogether) * kTogether;
  each_item(stream.team, up(n, piece), [&](int64_t i, int) { f(i * piece, std::min(n, (i + 1) * piece)); });
}

/// The team of a stream for a loop over `elements` elements; null if there are few.
inline Team* team_for(Stream stream, int64_t elements) { return elements < kParallelGrain ? nullptr : stream.team; }

/// The stream for work within a piece: one thread, no log of ranges.
inline Stream alone(Stream stream) {
  stream.team = nullptr;
  stream.ranges = nullptr;
  return stream;
}

}  // namespace temper
