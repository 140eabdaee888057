// CUDA's virtual memory management: addresses are reserved once, memory is put behind them when it is needed. The
// driver's functions are looked up when the program runs, so that it starts, and links, without a driver.
#include <cuda.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <vector>

#include "core/memory/growing_memory.h"
#include "kernels/runtime/cuda_call.h"

namespace temper {

namespace {

constexpr size_t kMegabyte = 1 << 20, kChunk = 64 * kMegabyte;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

struct Free {
  size_t free = 0, total = 0;
};
Free free_memory() {
  Free m;
  TEMPER_CUDA_CALL(cudaMemGetInfo(&m.free, &m.total));
  return m;
}
std::string text(const Free& m) {
  return cat("the GPU has ", m.free / kMegabyte, " of ", m.total / kMegabyte, " MB left");
}

struct Driver {
  decltype(&cuDeviceGet) device_get = nullptr;
  decltype(&cuDeviceGetAttribute) device_attribute = nullptr;
  decltype(&cuMemGetAllocationGranularity) granularity = nullptr;
  decltype(&cuMemAddressReserve) reserve = nullptr;
  decltype(&cuMemAddressFree) free_addresses = nullptr;
  decltype(&cuMemCreate) create = nullptr;
  decltype(&cuMemRelease) release = nullptr;
  decltype(&cuMemMap) map = nullptr;
  decltype(&cuMemUnmap) unmap = nullptr;
  decltype(&cuMemSetAccess) set_access = nullptr;

  /// Whether all of them are there and device number `ordinal` can do it.
  bool find(int ordinal) {
    const bool all = find("cuDeviceGet", device_get) && find("cuDeviceGetAttribute", device_attribute) &&
                     find("cuMemGetAllocationGranularity", granularity) && find("cuMemAddressReserve", reserve) &&
                     find("cuMemAddressFree", free_addresses) && find("cuMemCreate", create) &&
                     find("cuMemRelease", release) && find("cuMemMap", map) && find("cuMemUnmap", unmap) &&
                     find("cuMemSetAccess", set_access);
    CUdevice device = 0;
    int able = 0;
    return all && device_get(&device, ordinal) == CUDA_SUCCESS &&
           device_attribute(&able, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, device) == CUDA_SUCCESS &&
           able != 0;
  }

 private:
  template <class F>
  static bool find(const char* name, F& function) {
    constexpr unsigned kVersion = 12000;  // of the interface that these declarations are
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    const cudaError_t error = cudaGetDriverEntryPointByVersion(name, &found, kVersion, cudaEnableDefault, &result);
    if (error != cudaSuccess) cudaGetLastError();
    if (error != cudaSuccess || result != cudaDriverEntryPointSuccess) return false;
    function = reinterpret_cast<F>(found);
    return function != nullptr;
  }
};

class MappedMemory : public GrowingMemory {
 public:
  MappedMemory(const Driver& driver, int device, size_t limit) : driver_(driver), device_(device) {
    place_.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    place_.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    place_.location.id = device;
    check(driver_.granularity(&unit_, &place_, CU_MEM_ALLOC_GRANULARITY_MINIMUM), "cuMemGetAllocationGranularity");
    reserved_ = round_up(limit, unit_);
    check(driver_.reserve(&address_, reserved_, 0, 0, 0), "cuMemAddressReserve");
    begin_ = reinterpret_cast<char*>(address_);
    limit_ = limit;
  }
  ~MappedMemory() override {
    cudaDeviceSynchronize();  // unmapping does not wait for kernels
    CUdeviceptr at = address_;
    for (const size_t bytes : pieces_) {
      driver_.unmap(at, bytes);
      at += bytes;
    }
    driver_.free_addresses(address_, reserved_);
  }

  std::optional<std::string> grow(size_t bytes) override {
    if (bytes <= ready_) return {};
    TEMPER_CUDA_CALL(cudaSetDevice(device_));  // a thread that has not used the device yet has no context
    const size_t missing = round_up(bytes, unit_) - ready_;
    if (add(std::min(round_up(missing, round_up(kChunk, unit_)), reserved_ - ready_)) || add(missing)) return {};
    return text(free_memory());
  }

 private:
  static void check(CUresult result, const char* what) {
    TEMPER_CHECK(result == CUDA_SUCCESS, "arena: ", what, " failed with CUresult ", static_cast<int>(result));
  }

  /// Maps memory to the next `bytes` of addresses; false if none is left.
  bool add(size_t bytes) {
    CUmemGenericAllocationHandle memory{};
    const CUresult made = driver_.create(&memory, bytes, &place_, 0);
    if (made == CUDA_ERROR_OUT_OF_MEMORY) return false;
    check(made, "cuMemCreate");
    const CUdeviceptr at = address_ + ready_;
    const CUresult mapped = driver_.map(at, bytes, 0, memory, 0);
    driver_.release(memory);  // it lives until it is unmapped
    check(mapped, "cuMemMap");
    pieces_.push_back(bytes);
    ready_ += bytes;
    CUmemAccessDesc access{};
    access.location = place_.location;
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    check(driver_.set_access(at, bytes, &access, 1), "cuMemSetAccess");
    return true;
  }

  Driver driver_;
  int device_;
  CUmemAllocationProp place_{};
  CUdeviceptr address_ = 0;
  size_t unit_ = 0, reserved_ = 0;
  std::vector<size_t> pieces_;  ///< bytes of each, one behind the other
};

}  // namespace

std::unique_ptr<GrowingMemory> make_cuda_growing_memory(size_t limit) {
  int device = 0;
  TEMPER_CUDA_CALL(cudaGetDevice(&device));
  const Free memory = free_memory();  // makes the device's context, too
  Driver driver;
  if (driver.find(device)) return std::make_unique<MappedMemory>(driver, device, limit > 0 ? limit : memory.total);
  if (limit == 0) limit = memory.free / 5 * 4;
  return make_whole_memory(Device::cuda, limit,
                           cat("arena: this driver cannot add memory behind reserved addresses, so ", limit / kMegabyte,
                               " MB were taken at once; set memory.arena_mb to leave other programs more"));
}

}  // namespace temper
