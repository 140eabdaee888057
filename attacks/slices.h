#pragma once
#include <functional>

#include "core/engine.h"
#include "data/batch.h"

namespace temper {

/// Samples [first, first + batch.size()) of a batch.
struct BatchSlice {
  Batch batch;
  int64_t first = 0;
};

/// The adversarial images of a whole batch, from an attack that makes them for `rows` samples at a time: the same bits
/// where every sample's result depends on that sample alone, which batch statistics in the classifier prevent. In the
/// engine's arena, as Attack::run's.
Tensor attack_in_slices(Engine& engine, const Batch& batch, int64_t rows,
                        const std::function<Tensor(const BatchSlice&)>& attack);

/// How many samples at a time are attacked fastest. On a CPU the activations of a few for every thread stay in its
/// core's caches; worth it where the filters, which every slice reads again, do so too.
int64_t samples_at_a_time(const Engine& engine, const Batch& batch, int64_t parameters);

}  // namespace temper
