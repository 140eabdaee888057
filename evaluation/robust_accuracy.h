#pragma once
#include <functional>
#include <vector>

#include "attacks/attack.h"
#include "nn/module.h"

namespace temper {

class Loader;

struct Accuracy {
  int64_t correct = 0, total = 0;
  std::vector<uint8_t> right;  ///< per sample, in the loader's order: 1 where the prediction is the label
  /// Samples that had no gradient in a step of the attack: it is zero in every pixel, which moves nothing. And those of
  /// them that are right all the same, of which the attack says little.
  int64_t zero_gradient = 0, zero_gradient_right = 0;
  double percent() const { return share(correct); }
  double zero_gradient_percent() const { return share(zero_gradient); }

 private:
  double share(int64_t of) const {
    return total == 0 ? 0 : 100.0 * static_cast<double>(of) / static_cast<double>(total);
  }
};

/// Accuracy over everything the loader gives, after `attack` (null: on the images as they are). `pass` is used for the
/// attack and for the prediction; its BatchNorm statistics are running ones that are not moved, so the order of samples
/// and the batch size do not matter, nor do samples that LastBatch::pad adds. An attack is
/// asked for success (Wanted::success) with the engine's seed, in epoch 0.
/// Throws Error where a weight, a logit or a gradient in the attack is not finite: no number comes of those.
Accuracy evaluate(Engine& engine, const Network& network, Pass pass, Loader& loader, const Attack* attack,
                  const std::function<void(int64_t done, int64_t total)>& progress = {});

/// Notes the convolutions of evaluate() without doing anything (core/plans/plan_ahead.h). False where `attack` decides
/// on the host by what the device computes.
bool note_evaluation(Engine& engine, const Network& network, Pass pass, Loader& loader, const Attack* attack);

}  // namespace temper
