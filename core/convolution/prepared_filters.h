#pragma once
#include <map>
#include <tuple>

#include "core/convolution/conv.h"
#include "kernels/runtime/memory.h"

namespace temper {

/// Filters as a planned convolution takes them: (k, r, s, c) in the compute type, a BatchNorm folded in. Kept for as
/// long as their version stays the same.
class PreparedFilters {
 public:
  explicit PreparedFilters(Device device) : device_(device) {}

  struct Filter {
    void* w = nullptr;
    void* bias = nullptr;  ///< or none
  };
  Filter get(Stream stream, const ConvShape& g, const ConvFilter& filter, DType dtype);

  int64_t prepared() const { return prepared_; }
  int64_t allocations() const { return allocations_; }

 private:
  struct Entry {
    uint64_t version = 0, generation = 0;
    Memory w, bias;
  };
  /// The memory, grown if need be. Growing waits for the device, so it does not happen in a captured step that ran once
  /// before.
  void* at_least(Memory& memory, size_t bytes);

  Device device_;
  std::map<std::tuple<void*, void*, void*, DType>, Entry> entries_;
  int64_t prepared_ = 0, allocations_ = 0;
};

}  // namespace temper
