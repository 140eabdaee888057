#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "kernels/runtime/device_array.h"
#include "kernels/runtime/scalar_arg.h"

namespace TEMPER_API temper {

/// The live values of a training step, in device memory: everything that changes from step to step. Kernels read them
/// through ScalarArg, so the launches of every step are the same.
class StepValues {
 public:
  static constexpr int kMostNamed = 32;

  struct Values {
    uint32_t epoch = 0;
    uint32_t moves = 1;  ///< 0: weights stay; set on the device
    int64_t first = 0;   ///< of the batch's samples in the order of its epoch
    uint32_t shown = 0;  ///< the epoch that the batch is of, which is another one if batches are replayed
    double ema_keep = 0;
    std::array<float, kMostNamed> named = {};  ///< set by put()
  };

  explicit StepValues(Stream stream) : stream_(stream), memory_(stream, 1) {}

  /// To be called before a step, outside of captured work. Forgets the named values of the step before.
  void set(const Values& values);
  /// After set(): a named value. A run has at most kMostNamed names; each keeps its place for the whole run.
  void put(const std::string& name, double value);
  /// Copies all values to the device.
  void send() { copy(stream_, memory_.data(), stream_.device, &now_, Device::cpu, sizeof now_); }

  ScalarArg<uint32_t> epoch() const { return ScalarArg<uint32_t>(&memory_.data()->epoch); }
  ScalarArg<uint32_t> moves() const { return ScalarArg<uint32_t>(gate()); }
  ScalarArg<int64_t> first() const { return ScalarArg<int64_t>(&memory_.data()->first); }
  ScalarArg<uint32_t> shown() const { return ScalarArg<uint32_t>(&memory_.data()->shown); }
  ScalarArg<double> ema_keep() const { return ScalarArg<double>(&memory_.data()->ema_keep); }
  /// The values that were put for this step.
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
