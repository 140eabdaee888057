#pragma once
// Only for files compiled with CUDA.
#include <string>

namespace temper {

/// The name of the current device for messages: "NVIDIA H100 (sm_90)".
std::string device_text();

}  // namespace temper
