#include "kernels/runtime/team.h"

#include <sched.h>

#include <chrono>
#include <system_error>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace temper {

namespace {

/// Of which team the calling thread runs an item, and as which of its threads.
struct Place {
  const Team* team = nullptr;
  int thread = 0;
};
thread_local Place place;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

/// Whether changed() within a time that is short compared with waking a thread.
template <class Changed>
bool spin(Changed changed) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kShort = std::chrono::microseconds(100);
  const Clock::time_point start = Clock::now();
  do
    for (int i = 0; i < 32; ++i) {
      if (changed()) return true;
      pause();
    }
  while (Clock::now() - start < kShort);
  return false;
}

void run_alone(const Items& items, int thread) {
  for (int64_t i = 0; i < items.count; ++i) items.call(items.body, i, thread);
}

}  // namespace

Team::Team(int threads) : size_(std::max(threads, 1)), shares_(std::make_unique<Share[]>(size_)) {}

Team::~Team() {
  stop_ = true;
  ++round_;
  round_.notify_all();
  for (std::thread& t : helpers_) t.join();
}

/// With fewer helpers, or none, where the system gives no more threads.
void Team::start() {
  started_ = true;
  try {
    for (int thread = 1; thread < size_; ++thread) helpers_.emplace_back([this, thread] { help(thread); });
  } catch (const std::system_error&) {
  }
}

void Team::run(const Items& items) {
  if (place.team == this) return run_alone(items, place.thread);
  if (size_ == 1 || items.count <= 1) return run_alone(items, 0);
  if (!started_) start();
  items_ = items;
  for (int t = 0; t < size_; ++t) {
    shares_[t].next.store(items.count * t / size_, std::memory_order_relaxed);
    shares_[t].end = items.count * (t + 1) / size_;
  }
  shares_[0].cpu.store(sched_getcpu(), std::memory_order_relaxed);
  open_ = true;
  ++round_;
  if (items.count >= size_)
    round_.notify_all();
  else
    for (int64_t i = 1; i < items.count; ++i) round_.notify_one();
  work(0);
  open_ = false;
  await_helpers();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Team::work(int thread) {
  const Place before = std::exchange(place, Place{this, thread});
  for (int i = 0; i < size_; ++i) {
    Share& share = shares_[(thread + i) % size_];
    for (int64_t item; (item = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;) call(item, thread);
  }
  place = before;
}

void Team::call(int64_t item, int thread) {
  try {
    items_.call(items_.body, item, thread);
  } catch (...) {
    const std::lock_guard lock(failing_);
    if (!failure_ || item < failed_) {
      failure_ = std::current_exception();
      failed_ = item;
    }
    for (int t = 0; t < size_; ++t) shares_[t].next.store(shares_[t].end, std::memory_order_relaxed);
  }
}

/// A helper that does not see the items open leaves them alone; one that does is waited for.
void Team::await_helpers() {
  const auto left = [&] { return inside_ == 0; };
  if (left()) return;
  // A helper on this very CPU gets on only when this thread is off it.
  const int here = sched_getcpu();
  bool beside = true;
  for (int t = 1; t < size_; ++t) beside = beside && shares_[t].cpu.load(std::memory_order_relaxed) != here;
  if (beside && spin(left)) return;
  for (uint32_t n; (n = inside_) != 0;) inside_.wait(n);
}

void Team::await_round(uint32_t seen) {
  const auto begun = [&] { return round_ != seen; };
  if (begun()) return;
  if (shares_[0].cpu.load(std::memory_order_relaxed) != sched_getcpu() && spin(begun)) return;
  round_.wait(seen);
}

void Team::help(int thread) {
  for (uint32_t seen = 0;;) {
    await_round(seen);
    seen = round_;
    if (stop_) return;
    ++inside_;
    if (open_) {
      shares_[thread].cpu.store(sched_getcpu(), std::memory_order_relaxed);
      work(thread);
      shares_[thread].cpu.store(-1, std::memory_order_relaxed);
    }
    if (--inside_ == 0) inside_.notify_one();
  }
}

void run_items(Team* team, const Items& items) {
  if (team)
    team->run(items);
  else
    run_alone(items, 0);
}

int threads_of(const Team* team) { return team ? team->size() : 1; }

}  // namespace temper
