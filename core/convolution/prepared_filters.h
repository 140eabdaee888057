#pragma once
#include <map>
#include <tuple>

#include "core/convolution/conv.h"

namespace temper {

/// Filters as a planned convolution takes them: (k, r, s, c) in the compute type, a BatchNorm folded in. Kept for as
/// long as their version stays the same.
class PreparedFilters {
 public:
  explicit PreparedFilters(Device device) : device_(device) {}
  ~PreparedFilters();
  PreparedFilters(const PreparedFilters&) = delete;

  struct Filter {
    void* w = nullptr;
    void* bias = nullptr;  ///< or none
  };
  Filter get(Stream stream, const ConvShape& g, const ConvFilter& filter, DType dtype);

  int64_t prepared() const { return prepared_; }
  int64_t allocations() const { return allocations_; }

 private:
  /// Device memory that grows and never shrinks. Growing waits for the device, so it does not happen in a captured step
  /// that ran once before.
  struct Buffer {
    void* data = nullptr;
    size_t bytes = 0;
  };
  struct Entry {
    uint64_t version = 0, generation = 0;
    Buffer w, bias;
  };
  void* at_least(Buffer& buffer, size_t bytes);

  Device device_;
  std::map<std::tuple<void*, void*, void*, DType>, Entry> entries_;
  int64_t prepared_ = 0, allocations_ = 0;
};

}  // namespace temper
