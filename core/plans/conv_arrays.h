#pragma once
#include <vector>

#include "core/convolution/conv_key.h"

namespace temper {

/// Under which id a plan is given which array. A data gradient reads kY and writes kX; a filter gradient writes kW. Of
/// 16-bit operands it is dw = gradient + kAccumulator, both f32, where kAccumulator may not be dw itself.
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

/// What activations and filters of a type are stored as.
DType storage(ConvType type);
/// All arrays of a key; the result, or the first of them, comes first.
std::vector<ConvArray> conv_arrays(const ConvKey& key);

}  // namespace temper
