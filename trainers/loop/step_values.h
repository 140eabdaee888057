#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "kernels/runtime/device_array.h"
#include "kernels/runtime/scalar_arg.h"

namespace temper {

/// What differs from one training step to the next, in the device's memory, where kernels find it: the launches of a
/// step are the same every time.
class StepValues {
 public:
  static constexpr int kMostNamed = 32;

  struct Values {
    uint32_t epoch = 0;
    uint32_t moves = 1;  ///< 0: weights stay; set on the device
    int64_t first = 0;   ///< of the batch's samples in the epoch's order
    double ema_keep = 0;
    std::array<float, kMostNamed> named = {};  ///< set by put()
  };

  explicit StepValues(Stream stream) : stream_(stream), memory_(stream, 1) {}

  /// Before a step, outside of what is recorded. Forgets what was put for the step before.
  void set(const Values& values);
  /// After set(): a number by name, of which a run has kMostNamed at most. Each keeps its place for the whole run.
  void put(const std::string& name, double value);
  /// Brings all of it to the device.
  void send() { copy(stream_, memory_.data(), stream_.device, &now_, Device::cpu, sizeof now_); }

  ScalarArg<uint32_t> epoch() const { return ScalarArg<uint32_t>(&memory_.data()->epoch); }
  ScalarArg<uint32_t> moves() const { return ScalarArg<uint32_t>(gate()); }
  ScalarArg<int64_t> first() const { return ScalarArg<int64_t>(&memory_.data()->first); }
  ScalarArg<double> ema_keep() const { return ScalarArg<double>(&memory_.data()->ema_keep); }
  /// What was put for this step.
  const std::map<std::string, ScalarArg<float>>& named() const { return named_; }
  /// Where `moves` is written.
  uint32_t* gate() const { return &memory_.data()->moves; }

 private:
  Stream stream_;
  DeviceArray<Values> memory_;
  Values now_;                      ///< outlives the copy
  std::vector<std::string> names_;  ///< of now_.named
  std::map<std::string, ScalarArg<float>> named_;
};

}  // namespace temper
