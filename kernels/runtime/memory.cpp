#include "kernels/runtime/memory.h"

#include <sys/mman.h>

#include <cstring>

#include "kernels/runtime/capture.h"
#include "kernels/runtime/check.h"
#include "kernels/runtime/range.h"
#if defined(TEMPER_CUDA)
#include "kernels/runtime/cuda_call.h"
#endif

namespace temper {

namespace {
[[noreturn]] [[maybe_unused]] void no_cuda(const char* who) {
  fail(who, ": this build has no CUDA back end; configure with -DTEMPER_CUDA=ON or run with device: cpu");
}
}  // namespace

bool cuda_available() {
#if defined(TEMPER_CUDA)
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
#else
  return false;
#endif
}

Memory::Memory(Device device, size_t bytes) : device_(device), bytes_(bytes) {
  if (bytes == 0) return;
  if (device == Device::cpu) {
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    TEMPER_CHECK(data != MAP_FAILED, "allocate: the machine refused ", bytes, " bytes; lower memory.arena_mb");
    madvise(data, bytes, MADV_HUGEPAGE);  // a hint: fewer page faults, and prefetching does not stop every 4 kB
    data_ = data;
    return;
  }
#if defined(TEMPER_CUDA)
  TEMPER_CUDA_CALL(cudaMalloc(&data_, bytes));
#else
  no_cuda("allocate");
#endif
}

Memory::~Memory() {
  if (!data_) return;
  if (device_ == Device::cpu) munmap(data_, bytes_);
#if defined(TEMPER_CUDA)
  if (device_ == Device::cuda) cudaFree(data_);
#endif
}

void copy(Stream stream, void* to, Device to_device, const void* from, Device from_device, size_t bytes) {
  if (bytes == 0) return;
  const KernelRange range(stream, "copy", {static_cast<int64_t>(bytes)});
  if (stream.capture && to_device != from_device) stream.capture->forbid_in_capture("copy: to or from the host");
  if (to_device == Device::cpu && from_device == Device::cpu) {
    list_launch(stream, to, from, bytes);
    if (planning(stream)) return;
    std::memcpy(to, from, bytes);
    return;
  }
  if (planning(stream)) return;
#if defined(TEMPER_CUDA)
  TEMPER_CUDA_CALL(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, static_cast<cudaStream_t>(stream.handle)));
#else
  no_cuda("copy");
#endif
}

void set_zero(Stream stream, void* data, size_t bytes) {
  if (bytes == 0) return;
  const KernelRange range(stream, "set_zero", {static_cast<int64_t>(bytes)});
  if (stream.device == Device::cpu) {
    list_launch(stream, data, bytes);
    if (planning(stream)) return;
    std::memset(data, 0, bytes);
    return;
  }
  if (planning(stream)) return;
#if defined(TEMPER_CUDA)
  TEMPER_CUDA_CALL(cudaMemsetAsync(data, 0, bytes, static_cast<cudaStream_t>(stream.handle)));
#else
  no_cuda("set_zero");
#endif
}

void synchronize(Stream stream) {
  if (stream.capture) stream.capture->forbid_in_capture("synchronize: the host waits for the device");
  if (stream.device == Device::cpu) return;
#if defined(TEMPER_CUDA)
  TEMPER_CUDA_CALL(cudaStreamSynchronize(static_cast<cudaStream_t>(stream.handle)));
#endif
}

}  // namespace temper
