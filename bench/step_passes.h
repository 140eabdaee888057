#pragma once
#include <functional>

#include "bench/result.h"
#include "bench/step_work.h"
#include "workflows/step_count.h"

namespace temper::bench {

/// How many passes of the network a step makes (workflows/step_count.h), and the time that these passes take on their
/// own: each of the three kinds, on a batch of the step's size, by itself, in a graph where the device replays steps.
///   {forward, to_images, to_weights, seconds_of: {forward, to_images, to_weights}, ideal_seconds}
/// seconds_of the backward passes are without their forward pass. A step takes longer than ideal_seconds by its losses,
/// updates of images, statistics and update of weights.
Json passes_of_step(StepWork& step);

}  // namespace temper::bench
