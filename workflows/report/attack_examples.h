#pragma once
#include "attacks/attack.h"
#include "data/dataset.h"
#include "nn/module.h"
#include "workflows/records/examples.h"

namespace temper {

/// Examples for a report: one image of each of the first `count` classes, from the beginning of `set`, before and after
/// `attack` (as evaluate() runs it), with the predictions for both. The caller sets the label of the attack.
Examples attack_examples(Engine& engine, const Network& network, const Pass& pass, const ImageSet& set,
                         const Attack& attack, int64_t count = 12);

}  // namespace temper
