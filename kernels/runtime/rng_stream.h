#pragma once
// Streams of random numbers by name.
#include <string_view>

#include "kernels/runtime/api.h"
#include "kernels/runtime/philox.h"

namespace TEMPER_API temper {

/// A named stream of random numbers within a step: a key for each substream (restart, iteration), and derived streams
/// by name. Streams with different names do not overlap, because the name goes into the seed.
class RngStream {
 public:
  /// `step` separates repeated use for the same samples: the epoch in training, 0 in evaluation.
  explicit RngStream(uint64_t seed, ScalarArg<uint32_t> step = 0) : seed_(seed), step_(step) {}

  RngStream derive(std::string_view name) const {
    uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    return RngStream(mix(seed_ ^ mix(hash)), step_);
  }
  RngKey key(uint32_t substream = 0) const { return {seed_, RngStreamId::attack, step_, substream}; }

 private:
  /// SplitMix64's finaliser (Steele et al. 2014).
  static uint64_t mix(uint64_t z) {
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  uint64_t seed_;
  ScalarArg<uint32_t> step_;
};

}  // namespace temper
