#pragma once
#include <map>
#include <memory>
#include <mutex>

namespace temper {

/// One T for every thread of an engine (Stream::worker and the threads of its team), made at the first use.
/// Thread-safe.
template <class T>
class PerThread {
 public:
  T& of(int thread) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<T>& held = all_[thread];
    if (!held) held = std::make_unique<T>();
    return *held;
  }
  /// Calls f for every T made so far. Not while threads use them.
  template <class F>
  void each(F f) const {
    for (const auto& [thread, held] : all_) f(*held);
  }

 private:
  std::mutex mutex_;
  std::map<int, std::unique_ptr<T>> all_;
};

}  // namespace temper
