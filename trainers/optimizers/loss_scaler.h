#pragma once
#include <optional>

#include "core/engine.h"
#include "kernels/runtime/device_array.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// Dynamic loss scaling for training in f16, as in PyTorch's GradScaler. The scale starts at 2^16; a step in which a
/// gradient overflows is skipped and halves it; 2000 good steps in a row double it. Attacks within a step use 1/64 of
/// the scale, because they differentiate one value per sample instead of the mean over a batch. The scale is kept on
/// the device, so captured steps read the present one.
class LossScaler {
 public:
  static constexpr int64_t kFirst = 16, kHighest = 24, kLowest = -14;  ///< as powers of two
  static constexpr int64_t kGoodSteps = 2000;

  /// Does nothing if the engine's options fix the loss scale, or if its type needs none.
  explicit LossScaler(const Engine& engine);

  /// The scales for the tapes of a step, after set(). Empty: use the engine's own.
  std::optional<LossScales> scales() const;
  /// Copies the scale to the device. To be called before a step, outside of captured work.
  void set();
  /// To be called after a step without overflow.
  void kept();
  /// To be called after a step with overflow. Returns false if the scale is fixed or cannot be lowered further.
  bool halve();
  int64_t left_out() const { return left_out_; }  ///< steps skipped so far
  double scale() const;
  void visit_state(StateVisitor& v);

 private:
  struct Values {
    float up, down, up_each, down_each;
  };
  bool chosen_;
  int64_t exponent_ = kFirst, good_ = 0, left_out_ = 0;
  Stream stream_;
  DeviceArray<Values> memory_;
  Values now_ = {};  ///< outlives the copy
};

}  // namespace temper
