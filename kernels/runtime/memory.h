#pragma once
#include <cstddef>

#include "kernels/runtime/stream.h"

namespace temper {

/// Whether this build and this machine can run kernels on CUDA device 0.
bool cuda_available();

/// 256-byte aligned memory on `device`. On the CPU pages are reserved and become real when first touched, so a generous
/// capacity costs nothing. Throws Error with the size asked for when the device has not enough.
void* allocate(Device device, size_t bytes);
void release(Device device, void* data, size_t bytes);

/// Copies between any two devices, in stream order. Host memory must stay valid until synchronize(). While planning, a
/// copy or fill within a device does nothing; what needs the host is refused (Capture::forbid_in_capture).
void copy(Stream stream, void* to, Device to_device, const void* from, Device from_device, size_t bytes);
void set_zero(Stream stream, void* data, size_t bytes);
void synchronize(Stream stream);

}  // namespace temper
