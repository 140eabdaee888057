#pragma once
#include "attacks/attack.h"

namespace TEMPER_API temper {

/// Checks the gradients of an attack for samples whose gradient is zero and for values that are not finite. It runs on
/// the device, so replayed steps are checked, too. Findings go to batch.notes or, if the batch has none, to the
/// engine's tally (Engine::attack_tally).
class GradientWatch {
 public:
  /// To be constructed within the attack's arena scope.
  GradientWatch(Engine& engine, const Batch& batch);
  /// (N) i32: the findings for each sample.
  const Tensor& notes() const { return notes_; }
  /// Checks the gradient of a step, of the images' shape, and the objective's value of each sample.
  void look(const Tensor& gradient, const Tensor& values) const;
  /// After the last step.
  void report() const;

 private:
  Engine& engine_;
  Tensor notes_;
  bool tallied_;
};

/// Zeroed notes for `samples` samples (Batch::notes), in the engine's arena.
Tensor blank_notes(Engine& engine, int64_t samples);
/// The notes of an attack, on the host. Throws Error if a value was not finite. Waits for the engine's stream.
std::vector<int32_t> read_notes(Engine& engine, const Tensor& notes, const Attack& attack);

}  // namespace temper
