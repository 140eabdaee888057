#pragma once
#include <functional>
#include <vector>

#include "attacks/attack.h"
#include "nn/module.h"

namespace TEMPER_API temper {

class Loader;

struct Accuracy {
  int64_t correct = 0, total = 0;
  std::vector<uint8_t> right;  ///< per sample, in the loader's order: 1 if the prediction is the label
  /// Samples whose gradient was zero in every pixel in some step of the attack, so that the step did not move them; and
  /// those of them that are classified correctly. The attack says little about the latter.
  int64_t zero_gradient = 0, zero_gradient_right = 0;
  double percent() const { return share(correct); }
  double zero_gradient_percent() const { return share(zero_gradient); }

 private:
  double share(int64_t of) const {
    return total == 0 ? 0 : 100.0 * static_cast<double>(of) / static_cast<double>(total);
  }
};

/// Accuracy over all images of the loader, after `attack` (null: on the clean images). `pass` is used for the attack
/// and for the prediction; it must use running BatchNorm statistics without updating them, so the order of samples, the
/// batch size and samples added by LastBatch::pad do not matter. The attack runs with Wanted::success and the engine's
/// seed, in epoch 0. Throws Error if a weight, a logit or a gradient of the attack is not finite.
Accuracy evaluate(Engine& engine, const Network& network, Pass pass, Loader& loader, const Attack* attack,
                  const std::function<void(int64_t done, int64_t total)>& progress = {});

/// A planning pass: collects the convolutions of evaluate() without running anything (core/plans/plan_ahead.h). Returns
/// false if host code of `attack` depends on results of the device.
bool note_evaluation(Engine& engine, const Network& network, Pass pass, Loader& loader, const Attack* attack);

}  // namespace temper
