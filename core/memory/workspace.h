#pragma once
#include "kernels/runtime/memory.h"

namespace temper {

/// Host memory shared by all calls of a back end. It grows to the largest request and never shrinks.
class Workspace {
 public:
  /// Memory for `n` elements, 256-byte aligned. Previous contents may be lost.
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
