#pragma once
#include "core/files/json.h"

#include "kernels/runtime/stream.h"

namespace temper::bench {

/// What may have disturbed a measurement: load, clock frequency, share of time taken by other virtual machines (steal),
/// throttling by the container and by heat; on CUDA also gpu_state(). Values that cannot be read are left out.
nlohmann::ordered_json machine_state(Device device);

}  // namespace temper::bench
