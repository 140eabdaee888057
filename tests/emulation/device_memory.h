#pragma once
// The emulated device's memory: one range of addresses that only work on the device can access. An access by host code
// ends the program with a message that says where. Under the sanitizers it is host memory instead, allocated array by
// array, so that they see the ends of every array to the byte.
#include <cstddef>
#include <mutex>

namespace temper::emulation {

/// 256-byte aligned; small allocations are filled with NaN. Null when the device is full.
void* device_allocate(size_t bytes);
/// False for what device_allocate() did not give.
bool device_free(void* p);
/// Addresses without memory; null when there are none. False for what reserve_addresses() did not give.
char* reserve_addresses(size_t bytes);
bool free_addresses(char* p, size_t bytes);
/// Makes reserved addresses usable, in order of address, and the last ones unusable again. The memory is counted
/// separately.
bool add_memory(char* p, size_t bytes);
void drop_memory(char* p, size_t bytes);
/// False when the device is full.
bool take_capacity(size_t bytes);
void give_capacity(size_t bytes);

/// Whether the bytes lie in one allocation, or in reserved addresses with memory.
bool on_device(const void* p, size_t bytes);
/// Whether p is an address of the host, which the device cannot access.
bool on_host(const void* p);

/// Guards all of the emulated device.
std::recursive_mutex& device_mutex();

size_t device_capacity();
size_t device_used();

/// The device's memory is accessible during the lifetime of this object.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
};

}  // namespace temper::emulation
