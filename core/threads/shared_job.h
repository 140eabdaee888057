#pragma once
#include <atomic>
#include <cstdint>

namespace temper {

/// Items that several threads need done, each of which comes when it comes: whoever is there does some.
class SharedJob {
 public:
  explicit SharedJob(int items) : items_(items) {}
  SharedJob(const SharedJob&) = delete;

  bool over() const { return done_ == items_; }
  /// Returns when all items are done; f(item) did those that nobody else had begun, and throws nothing.
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
