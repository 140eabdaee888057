// CUDA's virtual memory management for the emulated device.
#include "tests/emulation/driver.h"

#include <map>
#include <mutex>
#include <string>

#include "tests/emulation/cuda.h"
#include "tests/emulation/device_memory.h"

namespace {

using temper::emulation::device_mutex;

constexpr size_t kGranularity = size_t{2} << 20;

struct Mapping {
  size_t bytes;
  CUmemGenericAllocationHandle memory;
};
struct State {
  bool old = false;  // without any of this
  CUmemGenericAllocationHandle next = 1;
  std::map<CUmemGenericAllocationHandle, size_t> made;  // bytes of what was not released yet
  std::map<CUdeviceptr, Mapping> mapped;
};
State& state() {
  static State s;
  return s;
}

char* pointer(CUdeviceptr p) { return reinterpret_cast<char*>(p); }
bool whole(size_t bytes) { return bytes > 0 && bytes % kGranularity == 0; }
CUresult result(bool right) { return right ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }

}  // namespace

CUresult cuDeviceGet(CUdevice* device, int ordinal) { return *device = ordinal, result(ordinal == 0); }
CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute, CUdevice) { return *value = 1, CUDA_SUCCESS; }
CUresult cuMemGetAllocationGranularity(size_t* bytes, const CUmemAllocationProp* place,
                                       CUmemAllocationGranularity_flags) {
  *bytes = kGranularity;
  return result(place->type == CU_MEM_ALLOCATION_TYPE_PINNED && place->location.type == CU_MEM_LOCATION_TYPE_DEVICE);
}

CUresult cuMemAddressReserve(CUdeviceptr* p, size_t bytes, size_t, CUdeviceptr, unsigned long long) {
  const std::lock_guard lock(device_mutex());
  if (!whole(bytes)) return CUDA_ERROR_INVALID_VALUE;
  char* const found = temper::emulation::reserve_addresses(bytes);
  *p = reinterpret_cast<CUdeviceptr>(found);
  return found ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}
CUresult cuMemAddressFree(CUdeviceptr p, size_t bytes) {
  const std::lock_guard lock(device_mutex());
  const auto next = state().mapped.lower_bound(p);
  const bool in_use = next != state().mapped.end() && next->first < p + bytes;
  return result(!in_use && temper::emulation::free_addresses(pointer(p), bytes));
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* memory, size_t bytes, const CUmemAllocationProp*,
                     unsigned long long) {
  const std::lock_guard lock(device_mutex());
  if (!whole(bytes)) return CUDA_ERROR_INVALID_VALUE;
  if (!temper::emulation::take_capacity(bytes)) return CUDA_ERROR_OUT_OF_MEMORY;
  *memory = state().next++;
  state().made[*memory] = bytes;
  return CUDA_SUCCESS;
}
CUresult cuMemRelease(CUmemGenericAllocationHandle memory) {
  const std::lock_guard lock(device_mutex());
  State& s = state();
  const auto it = s.made.find(memory);
  if (it == s.made.end()) return CUDA_ERROR_INVALID_VALUE;
  bool mapped = false;
  for (const auto& [p, mapping] : s.mapped) mapped |= mapping.memory == memory;
  if (!mapped) temper::emulation::give_capacity(it->second);
  s.made.erase(it);
  return CUDA_SUCCESS;
}

CUresult cuMemMap(CUdeviceptr p, size_t bytes, size_t offset, CUmemGenericAllocationHandle memory, unsigned long long) {
  const std::lock_guard lock(device_mutex());
  State& s = state();
  const auto made = s.made.find(memory);
  if (made == s.made.end() || made->second != bytes || offset != 0) return CUDA_ERROR_INVALID_VALUE;
  const auto next = s.mapped.lower_bound(p);
  if (next != s.mapped.end() && next->first < p + bytes) return CUDA_ERROR_INVALID_VALUE;
  s.mapped[p] = {bytes, memory};
  return CUDA_SUCCESS;
}
CUresult cuMemSetAccess(CUdeviceptr p, size_t bytes, const CUmemAccessDesc* access, size_t count) {
  const std::lock_guard lock(device_mutex());
  const auto it = state().mapped.find(p);
  const bool right = it != state().mapped.end() && it->second.bytes == bytes && count == 1 &&
                     access->flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  return result(right && temper::emulation::add_memory(pointer(p), bytes));
}
CUresult cuMemUnmap(CUdeviceptr p, size_t bytes) {
  const std::lock_guard lock(device_mutex());
  State& s = state();
  const auto it = s.mapped.find(p);
  if (it == s.mapped.end() || it->second.bytes != bytes) return CUDA_ERROR_INVALID_VALUE;
  temper::emulation::drop_memory(pointer(p), bytes);
  if (!s.made.contains(it->second.memory)) temper::emulation::give_capacity(bytes);
  s.mapped.erase(it);
  return CUDA_SUCCESS;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  static const std::map<std::string, void*> all = {
      {"cuDeviceGet", reinterpret_cast<void*>(cuDeviceGet)},
      {"cuDeviceGetAttribute", reinterpret_cast<void*>(cuDeviceGetAttribute)},
      {"cuMemGetAllocationGranularity", reinterpret_cast<void*>(cuMemGetAllocationGranularity)},
      {"cuMemAddressReserve", reinterpret_cast<void*>(cuMemAddressReserve)},
      {"cuMemAddressFree", reinterpret_cast<void*>(cuMemAddressFree)},
      {"cuMemCreate", reinterpret_cast<void*>(cuMemCreate)},
      {"cuMemRelease", reinterpret_cast<void*>(cuMemRelease)},
      {"cuMemMap", reinterpret_cast<void*>(cuMemMap)},
      {"cuMemUnmap", reinterpret_cast<void*>(cuMemUnmap)},
      {"cuMemSetAccess", reinterpret_cast<void*>(cuMemSetAccess)}};
  const std::lock_guard lock(device_mutex());
  const auto it = state().old ? all.end() : all.find(name);
  *function = it == all.end() ? nullptr : it->second;
  *result = it == all.end() ? cudaDriverEntryPointSymbolNotFound : cudaDriverEntryPointSuccess;
  return cudaSuccess;
}

namespace temper::emulation {

OldDriver::OldDriver() { state().old = true; }
OldDriver::~OldDriver() { state().old = false; }

}  // namespace temper::emulation
