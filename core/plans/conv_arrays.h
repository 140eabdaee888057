#pragma once
#include <vector>

#include "core/convolution/conv_key.h"

namespace temper {

/// Ids of the arrays of a plan. A data gradient reads kY and writes kX; a filter gradient writes kW. With 16-bit
/// operands the filter gradient is dw = gradient + kAccumulator, both f32, and kAccumulator must not be dw itself.
namespace conv_id {
enum : int64_t { kX = 1, kW, kY, kBias, kResidual, kAccumulator, kMask, kSum, kSquares };
}

enum class ArrayUse : uint8_t { read, written, updated };

/// One of the arrays of a key.
struct ConvArray {
  int64_t id;  ///< of conv_id
  int64_t elements;
  DType dtype;
  ArrayUse use = ArrayUse::read;
};

/// The storage type of activations and filters.
DType storage(ConvType type);
/// All arrays of a key. The first one is the result, or the first of the results.
std::vector<ConvArray> conv_arrays(const ConvKey& key);

}  // namespace temper
