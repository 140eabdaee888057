#pragma once
#include <map>
#include <memory>
#include <mutex>

namespace temper {

/// One T for every thread of an engine (Stream::worker and the threads of its team), made when first asked for. Several
/// threads may ask at once.
template <class T>
class PerThread {
 public:
  T& of(int thread) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<T>& held = all_[thread];
    if (!held) held = std::make_unique<T>();
    return *held;
  }
  /// f(T) for all there are, while nobody uses them.
  template <class F>
  void each(F f) const {
    for (const auto& [thread, held] : all_) f(*held);
  }

 private:
  std::mutex mutex_;
  std::map<int, std::unique_ptr<T>> all_;
};

}  // namespace temper
