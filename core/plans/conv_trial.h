#pragma once
#include <map>

#include "core/plans/conv_engines.h"
#include "kernels/runtime/device_array.h"

namespace temper {

/// A key's arrays with random numbers in them, in memory of their own: what plans are timed on, and what their results
/// are checked with. Masks are 0 in half of their places.
class ConvTrial {
 public:
  /// For plans with up to `workspace` bytes. Throws Error where the device has not enough memory.
  ConvTrial(Stream stream, const ConvKey& key, int64_t workspace);

  void run(const ConvPlan& plan) const;
  /// Compares what the plan computes with kernels/plain_conv, element by element: all of a small result, of a large one
  /// a few thousand that lie all over it. Empty, or what is wrong.
  std::string fault(const ConvPlan& plan) const;

 private:
  struct Listed;
  void fill(const ConvArray& array) const;
  std::vector<float> picked(const DeviceArray<int64_t>& at, int64_t id) const;
  std::vector<float> convolution(const DeviceArray<int64_t>& at) const;
  std::string statistics_fault() const;
  const ConvArray& array(int64_t id) const;
  void* data(int64_t id) const { return memory_.at(id).data(); }

  Stream stream_;
  ConvKey key_;
  std::vector<ConvArray> arrays_;
  std::map<int64_t, DeviceArray<char>> memory_;
  DeviceArray<char> scratch_;
};

}  // namespace temper
