#pragma once
#include "attacks/attack.h"
#include "data/dataset.h"
#include "nn/module.h"
#include "workflows/records/examples.h"

namespace temper {

/// The first image of each of the first `count` classes among the first images of `set`, before and after `attack`,
/// just as evaluate() attacks them, with what the network says to both. The attack's label is left to the caller.
Examples attack_examples(Engine& engine, const Network& network, const Pass& pass, const ImageSet& set,
                         const Attack& attack, int64_t count = 12);

}  // namespace temper
