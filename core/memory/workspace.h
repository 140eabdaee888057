#pragma once
#include "kernels/runtime/memory.h"

namespace temper {

/// Host memory shared by all calls of a back end, grown to the largest need and never shrunk.
class Workspace {
 public:
  /// Room for `n` of them, 256-byte aligned; what was there before may be gone.
  template <class T>
  T* reserve(size_t n) {
    if (n * sizeof(T) > memory_.bytes()) {
      memory_ = {};  // before the larger one is taken
      memory_ = {Device::cpu, n * sizeof(T)};
      ++allocations_;
    }
    return memory_.as<T>();
  }
  int64_t allocations() const { return allocations_; }

 private:
  Memory memory_;
  int64_t allocations_ = 0;
};

}  // namespace temper
