#pragma once
#include <cstdint>

#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

/// spread: uniform in (-1, 1). activation: half of them exactly 0, an eighth below 0, the rest above: what a ReLU left,
/// and more.
enum class RandomValues : uint8_t { spread, activation };

struct RandomFill {
  uint64_t seed = 0;
  float scale = 1;  ///< what all values are multiplied by
  RandomValues values = RandomValues::spread;
};

/// y[i] = a random number that depends on the seed and i alone: the same on every device. n elements.
template <class T>
void random_fill(Stream stream, int64_t n, T* y, const RandomFill& fill);

}  // namespace temper
