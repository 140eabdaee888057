#pragma once
// The emulated device's memory: one range of addresses that nobody can touch but work that runs on the device. Host
// code that does ends the program, with a message that says where. Under the sanitizers it is the host's memory
// instead, each allocation apart, so that they see the ends of every array to the byte.
#include <cstddef>

namespace temper::emulation {

/// 256-byte aligned, full of NaN where it is small; null when the device is full.
void* device_allocate(size_t bytes);
/// False for what device_allocate() did not give.
bool device_free(void* p);
/// Whether the bytes lie in one allocation.
bool on_device(const void* p, size_t bytes);
/// Whether p is an address of the host's, which the device cannot follow.
bool on_host(const void* p);

size_t device_capacity();
size_t device_used();

/// While one lives the device's memory can be touched.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
};

}  // namespace temper::emulation
