#pragma once
// cuDNN as a library of convolution engines. Only for files compiled with CUDA.
#include "core/conv_engines.h"

namespace temper {

/// cuDNN for a device described in its own JSON: plans are found, written and read, but cannot run. Needs no GPU.
std::unique_ptr<ConvEngines> make_described_engines(const std::string& device_json);

}  // namespace temper
