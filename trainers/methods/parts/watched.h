#pragma once
#include <cstdint>
#include <functional>
#include <utility>

namespace temper {

/// A number of the host that tells when it is read, so that what a recorded step depends on is found, not declared.
class Watched {
 public:
  Watched(int64_t value = 0) : value_(value) {}
  Watched(int64_t value, std::function<void()> on_read) : value_(value), on_read_(std::move(on_read)) {}

  operator int64_t() const {
    if (on_read_) on_read_();
    return value_;
  }
  /// For what leads to nothing that recorded work decides or computes by.
  int64_t unwatched() const { return value_; }
  Watched& operator++() {
    ++value_;
    return *this;
  }

 private:
  int64_t value_;
  std::function<void()> on_read_;
};

}  // namespace temper
