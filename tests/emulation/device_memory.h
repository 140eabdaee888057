#pragma once
// The emulated device's memory: one range of addresses that nobody can touch but work that runs on the device. Host
// code that does ends the program, with a message that says where. Under the sanitizers it is the host's memory
// instead, each allocation apart, so that they see the ends of every array to the byte.
#include <cstddef>
#include <mutex>

namespace temper::emulation {

/// 256-byte aligned, full of NaN where it is small; null when the device is full.
void* device_allocate(size_t bytes);
/// False for what device_allocate() did not give.
bool device_free(void* p);
/// Addresses without memory; null when there are none. False for what reserve_addresses() did not give.
char* reserve_addresses(size_t bytes);
bool free_addresses(char* p, size_t bytes);
/// Makes reserved addresses usable, in order of address, and the last ones unusable again. The memory is counted apart.
bool add_memory(char* p, size_t bytes);
void drop_memory(char* p, size_t bytes);
/// False when the device is full.
bool take_capacity(size_t bytes);
void give_capacity(size_t bytes);

/// Whether the bytes lie in one allocation, or in reserved addresses with memory.
bool on_device(const void* p, size_t bytes);
/// Whether p is an address of the host's, which the device cannot follow.
bool on_host(const void* p);

/// Guards all of the emulated device.
std::recursive_mutex& device_mutex();

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
