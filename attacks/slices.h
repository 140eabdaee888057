#pragma once
#include <functional>

#include "attacks/rows.h"
#include "nn/module.h"

namespace temper {

/// f(engine, rows) for slices of `rows` samples that make up a batch of `samples`. On a CPU the threads of the engine
/// take slices as they come and do each from its first step to its last, by itself, with an engine of its own
/// (Engine::workers): f writes to places of its slice alone. Elsewhere, and where launches are listed, slice after
/// slice on `engine`; so is a single slice, by all of the engine's threads. What f throws is thrown here.
void each_slice(Engine& engine, int64_t samples, int64_t rows, const std::function<void(Engine&, const BatchRows&)>& f);

/// Network::predict() by slices.
Tensor predict_in_slices(Engine& engine, const Network& network, const Tensor& images, Pass pass);

/// What decides how many samples a slice should have.
struct SliceCosts {
  int64_t samples;      ///< of the batch
  int threads;          ///< that share it
  size_t sample_bytes;  ///< the activations of a sample
  size_t filter_bytes;  ///< all parameters
};
/// As many samples as have activations of about the size of a core's cache, or as weigh as much as the filters, which
/// every slice reads again; as many slices for each thread as for any other. All samples, for all threads together,
/// where filters that no cache holds would be read for much fewer.
int64_t samples_at_a_time(const SliceCosts& costs);

/// The same for a network that runs with `bn`: all samples where they meet in batch statistics, and on a GPU.
int64_t samples_at_a_time(Engine& engine, const Network& network, BnStats bn, int64_t samples);

}  // namespace temper
