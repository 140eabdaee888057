#pragma once
// Only for files compiled with CUDA.
#include <string>

namespace temper {

/// The current device as messages name it: "NVIDIA H100 (sm_90)".
std::string device_text();

}  // namespace temper
