#pragma once
#include <map>

#include "core/plans/conv_engines.h"
#include "kernels/runtime/device_array.h"

namespace temper {

/// Random arrays for a key, in their own memory, on which plans are timed and checked. Half of the elements of a mask
/// are 0.
class ConvTrial {
 public:
  /// For plans with up to `workspace` bytes. Throws Error if the device does not have enough memory.
  ConvTrial(Stream stream, const ConvKey& key, int64_t workspace);

  void run(const ConvPlan& plan) const;
  /// Compares the result of a plan with kernels/plain_conv: all elements of a small result, a few thousand of a large
  /// one, spread over it. Returns the error, or an empty text.
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
