#pragma once
#include <functional>

#include "attacks/rows.h"
#include "nn/module.h"

namespace TEMPER_API temper {

/// Calls f(engine, rows) for every slice of `rows` samples of a batch of `samples`. On a CPU each thread of the engine
/// takes the next free slice and runs f on it alone, with a worker engine (Engine::workers); f must write only to the
/// rows of its slice. On a GPU, in captured or planned work, and for a single slice, f runs on `engine`, slice after
/// slice. Exceptions of f are rethrown here.
void each_slice(Engine& engine, int64_t samples, int64_t rows, const std::function<void(Engine&, const BatchRows&)>& f);

/// Network::predict() in slices.
Tensor predict_in_slices(Engine& engine, const Network& network, const Tensor& images, Pass pass);

/// The sizes that the best number of samples of a slice depends on.
struct SliceCosts {
  int64_t samples;      ///< of the batch
  int threads;          ///< that share the batch
  size_t sample_bytes;  ///< the activations of a sample
  size_t filter_bytes;  ///< all parameters
};
/// The number of samples of a slice: as many as have activations of about the size of a core's cache, or of the size of
/// the filters, which every slice reads again; rounded so that every thread gets the same number of slices. Returns
/// `samples` (one slice, shared by all threads) if the filters exceed the cache and slices would be much smaller.
int64_t samples_at_a_time(const SliceCosts& costs);

/// The same for a network with BatchNorm statistics `bn`: `samples` with batch statistics, and on a GPU.
int64_t samples_at_a_time(Engine& engine, const Network& network, BnStats bn, int64_t samples);

}  // namespace temper
