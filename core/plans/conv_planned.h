#pragma once
#include "core/plans/conv_engines.h"

namespace temper {

class Arena;

struct PlannedConvOptions {
  Arena* arena = nullptr;  ///< where work space comes from; outlives the back end
  Device device = Device::cuda;
  ConvPlanning planning = {};
};

/// Convolutions by the plans of a library: prepares filters, runs what is to be fused at once where the library can and
/// one after the other where it cannot. f32, bf16 and f16.
std::unique_ptr<ConvBackend> make_planned_conv(std::unique_ptr<ConvEngines> engines, const PlannedConvOptions& options);

}  // namespace temper
