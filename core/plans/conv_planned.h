#pragma once
#include "core/plans/conv_engines.h"

namespace temper {

class Arena;

struct PlannedConvOptions {
  Arena* arena = nullptr;  ///< for work space; must outlive the back end
  Device device = Device::cuda;
  ConvPlanning planning = {};
};

/// Convolutions by the plans of a library, in f32, bf16 and f16. It prepares filters and uses a fused plan if the
/// library has one.
std::unique_ptr<ConvBackend> make_planned_conv(std::unique_ptr<ConvEngines> engines, const PlannedConvOptions& options);

}  // namespace temper
