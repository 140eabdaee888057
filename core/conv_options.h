#pragma once
#include "core/conv.h"

namespace temper {

class Arena;

struct CudnnConvOptions {
  Arena* arena = nullptr;  ///< where work space comes from; outlives the back end
  ConvPlanning planning = {};
  Exactness exactness = Exactness::rounding;
};

/// cuDNN on the current device. Throws Error without an arena.
std::unique_ptr<ConvBackend> make_cudnn_conv(const CudnnConvOptions& options);

}  // namespace temper
