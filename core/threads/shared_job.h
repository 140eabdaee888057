#pragma once
#include <atomic>
#include <cstdint>

namespace temper {

/// Work items that several threads need done. Threads may arrive at any time; each takes items until none is left.
class SharedJob {
 public:
  explicit SharedJob(int items) : items_(items) {}
  SharedJob(const SharedJob&) = delete;

  bool over() const { return done_ == items_; }
  /// Runs f(item) for items that no other thread has taken, and returns when all items are done. f must not throw.
  template <class F>
  void join(const F& f) {
    for (int i; (i = next_++) < items_;) {
      f(i);
      if (++done_ == items_) done_.notify_all();
    }
    for (int done; (done = done_) != items_;) done_.wait(done);
  }

 private:
  const int items_;
  std::atomic<int> next_{0}, done_{0};
};

}  // namespace temper
