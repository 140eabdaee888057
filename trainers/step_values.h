#pragma once
#include "kernels/runtime/device_array.h"
#include "kernels/runtime/live.h"
#include "trainers/term_weights.h"

namespace temper {

/// What differs from one training step to the next, in the device's memory, where kernels find it: the launches of a
/// step are the same every time.
class StepValues {
 public:
  struct Values {
    uint32_t epoch = 0;
    uint32_t moves = 1;  ///< 0: weights stay; set on the device
    int64_t first = 0;   ///< of the batch's samples in the epoch's order
    double ema_keep = 0;
    TermWeights terms;
    float shrinkage = 0;  ///< negative: the share that weights lose
  };

  explicit StepValues(Stream stream) : stream_(stream), memory_(stream, 1) {}

  /// Before a step, outside of what is recorded.
  void set(const Values& values) {
    now_ = values;
    copy(stream_, memory_.data(), stream_.device, &now_, Device::cpu, sizeof now_);
  }

  Live<uint32_t> epoch() const { return Live<uint32_t>(&memory_.data()->epoch); }
  Live<uint32_t> moves() const { return Live<uint32_t>(gate()); }
  Live<int64_t> first() const { return Live<int64_t>(&memory_.data()->first); }
  Live<double> ema_keep() const { return Live<double>(&memory_.data()->ema_keep); }
  Live<float> shrinkage() const { return Live<float>(&memory_.data()->shrinkage); }
  LiveTermWeights terms() const {
    return {Live<float>(&memory_.data()->terms.first), Live<float>(&memory_.data()->terms.second)};
  }
  /// Where `moves` is written.
  uint32_t* gate() const { return &memory_.data()->moves; }

 private:
  Stream stream_;
  DeviceArray<Values> memory_;
  Values now_;  ///< outlives the copy
};

}  // namespace temper
