#pragma once
// cuDNN as a library of convolution engines. Only for files compiled with CUDA.
#include "core/plans/conv_engines.h"

namespace temper {

/// cuDNN for a device described in its own JSON: plans are found, written and read, but cannot run. Needs no GPU.
std::unique_ptr<ConvEngines> make_described_engines(const std::string& device_json);

/// The number of run-time compiled engines that cuDNN proposes for a bf16 data gradient with a fused ReLU backward (it
/// has no others). 0 means that NVRTC could not be loaded: such gradients are then not fused, and 16-bit filter
/// gradients run in f32. On the current device, or on one described in JSON.
int64_t run_time_engines();
int64_t run_time_engines(const std::string& device_json);

}  // namespace temper
