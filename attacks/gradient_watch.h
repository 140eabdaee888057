#pragma once
#include "attacks/attack.h"

namespace temper {

/// Watches the gradients of one attack for samples that it cannot move, and for numbers that are none: on the device,
/// so a recorded step watches too. What it finds goes to batch.notes or, where the batch has none, to the engine's
/// tally.
class GradientWatch {
 public:
  /// To be made within the attack's arena scope.
  GradientWatch(Engine& engine, const Batch& batch);
  /// (N) i32: of each sample.
  const Tensor& notes() const { return notes_; }
  /// A step's gradient, like the images, and the objective's value of each sample.
  void look(const Tensor& gradient, const Tensor& values) const;
  /// After the last step.
  void report() const;

 private:
  Engine& engine_;
  Tensor notes_;
  bool tallied_;
};

/// Notes of `samples` for an attack to add to (Batch::notes), in the engine's arena.
Tensor blank_notes(Engine& engine, int64_t samples);
/// On the host, what `attack` noted. Throws Error if it met a number that is none. Waits for the engine's stream.
std::vector<int32_t> read_notes(Engine& engine, const Tensor& notes, const Attack& attack);

}  // namespace temper
