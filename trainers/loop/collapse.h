#pragma once
#include <string>

#include "trainers/loop/epoch.h"

namespace temper {

/// A robust accuracy in percent, and the best of its kind so far.
struct RobustNow {
  double now = 0, best = 0;
  std::string best_at;  ///< when that was: "epoch 3"
  std::string images;   ///< what was measured: "the validation images"
  Loader& loader;       ///< those images
};

/// The collapse guard (loop.collapse, loop.on_collapse), to be called after every measurement of robust accuracy. An
/// accuracy below loop.collapse times the best is a collapse: a warning tells, by the accuracy under one full step
/// (FGSM), whether it is catastrophic overfitting, where the network resists only that step, or divergence. With
/// roll_back the run then goes on from its last good state; otherwise the guard is silent until there is a new best.
void guard(Run& run, const RobustNow& measured);

/// Measures robust accuracy on the images of loop.probe, if that is due after the step just made, and guards it.
void probe(Run& run);

}  // namespace temper
