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

/// How many of `samples` are attacked fastest at a time by `threads` of a CPU, where the activations of one take
/// `bytes`: for every thread as many as have about the size of its core's cache, and not much fewer in the last slice.
int64_t samples_at_a_time(int64_t samples, int threads, size_t bytes);

}  // namespace temper
