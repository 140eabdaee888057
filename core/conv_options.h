#pragma once
#include <string>

#include "core/conv.h"

namespace temper {

class Arena;

/// How products of f32 convolutions are formed on a GPU: as they are, or from operands rounded to TF32 (10 bits).
enum class ConvMath : uint8_t { f32, tf32 };
/// How one of a library's deterministic plans is chosen on CUDA: the one it proposes first, or the fastest of its first
/// few, timed when a shape is first met. Timing makes the choice, and so the last bits, depend on the day; a kept plan
/// does not change.
enum class PlanChoice : uint8_t { proposed, timed };

struct CudnnConvOptions {
  Arena* arena = nullptr;  ///< where work space comes from; outlives the back end
  ConvMath math = ConvMath::f32;
  PlanChoice choice = PlanChoice::proposed;
  std::string plan_folder = {};  ///< where plans are kept between runs; empty: nowhere
  int64_t workspace_mb = 256;    ///< the most a plan may take
};

/// cuDNN on the current device. Throws Error without an arena.
std::unique_ptr<ConvBackend> make_cudnn_conv(const CudnnConvOptions& options);

}  // namespace temper
