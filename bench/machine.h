#pragma once
#include <nlohmann/json.hpp>

#include "kernels/runtime/stream.h"

namespace temper::bench {

/// What may have disturbed a measurement and can be read: load, clock, share of time that other machines took (steal),
/// throttling by the container and by heat; on CUDA gpu_state(). What cannot be read is left out.
nlohmann::ordered_json machine_state(Device device);

}  // namespace temper::bench
