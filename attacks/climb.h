#pragma once
#include "attacks/pgd.h"

namespace temper {

/// What one call of a gradient attack does to its buffers: the attack kernels with types, extents and random numbers
/// filled in. Holds references: it lives as long as the call. x, m and best are like the batch's images.
class Climb {
 public:
  /// `draw` as in Attack::run.
  Climb(Engine& engine, const PgdOptions& options, double step_size, const Batch& batch, Draw draw);

  /// x = the images plus the noise of this restart.
  void start(const Tensor& x, int restart) const;
  /// Step number `index` (over all restarts) of x along the gradient or, with a buffer m, along m after adding the
  /// gradient to it.
  void ascend(const Tensor& x, const Tensor& gradient, const Tensor& m, int index) const;
  /// An empty selection: the images, which anything beats.
  void clear(const Tensor& best, const Tensor& best_score) const;
  /// Puts those samples of x into `best` whose score, by the options' rule, is at least the best so far. All on the
  /// device.
  void keep(Tape& tape, const Tensor& x, const Tensor& logits, const Tensor& loss, const Tensor& best,
            const Tensor& best_score) const;

 private:
  Stream stream() const { return engine_.stream(); }
  int64_t rows() const { return batch_.images.shape[0]; }
  bool by_success() const;

  Engine& engine_;
  const PgdOptions& options_;
  double step_size_;
  const Batch& batch_;
  Draw draw_;
  int cols_;
};

}  // namespace temper
