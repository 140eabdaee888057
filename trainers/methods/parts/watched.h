#pragma once
#include <cstdint>
#include <functional>
#include <utility>

#include "kernels/runtime/api.h"

namespace TEMPER_API temper {

/// A number on the host with a callback for every read. So it is detected, not declared, that a captured step depends
/// on it (trainers/loop/step_key.h).
class Watched {
 public:
  Watched(int64_t value = 0) : value_(value) {}
  Watched(int64_t value, std::function<void()> on_read) : value_(value), on_read_(std::move(on_read)) {}

  operator int64_t() const {
    if (on_read_) on_read_();
    return value_;
  }
  /// The value without the callback, for uses that captured work does not depend on.
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
