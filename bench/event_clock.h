#pragma once
#include <memory>

#include "kernels/runtime/range.h"

namespace temper::bench {

/// A clock of CUDA events, which can be part of a captured graph; null on the CPU, where the host's clock serves.
std::unique_ptr<DeviceClock> make_event_clock(Device device);

}  // namespace temper::bench
