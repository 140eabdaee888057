#pragma once
#include <optional>

#include "core/engine.h"
#include "kernels/runtime/device_array.h"
#include "trainers/trainer.h"

namespace temper {

/// The loss scale of a training in f16 where it is left to the training, as PyTorch's GradScaler keeps it: 2^16 at
/// first, half as large after a step in which a gradient left the range of f16, which is left out, and twice as large
/// after 2000 steps in a row in which none did. Attacks within a step, which differentiate one value a sample instead
/// of the mean over a batch, have the 64th part. On the device, where recorded steps find it.
class LossScaler {
 public:
  static constexpr int64_t kFirst = 16, kHighest = 24, kLowest = -14;  ///< as powers of two
  static constexpr int64_t kGoodSteps = 2000;

  /// `engine` as its options say: with a loss scale that is fixed, or none, there is nothing to do.
  explicit LossScaler(const Engine& engine);

  /// For the tapes of a step, which set() goes before; none: the engine's own.
  std::optional<LossScales> scales() const;
  /// Before a step, outside of what is recorded.
  void set();
  /// After a step in which every gradient stayed in the range.
  void kept();
  /// After one in which one did not, which is left out. False where the scale is not for it to choose, or cannot fall
  /// further.
  bool halve();
  int64_t left_out() const { return left_out_; }  ///< steps so far
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
