#pragma once
// CUDA's runtime for one emulated device. Work is done as late as possible: a stream keeps its work, with arguments by
// value, until the host waits for it. A host that reads a result too early therefore reads the old contents, and memory
// that a copy reads must live until then (kernels/runtime/memory.h). During a capture the stream keeps the work for the
// graph instead, and refuses what CUDA refuses.
#include <cstddef>
#include <functional>
#include <tuple>

#include "tests/emulation/emulation.h"

enum cudaError_t {
  cudaSuccess,
  cudaErrorInvalidValue,
  cudaErrorMemoryAllocation,
  cudaErrorInvalidConfiguration,
  cudaErrorIllegalAddress,
  cudaErrorLaunchFailure,
  cudaErrorStreamCaptureUnsupported,
  cudaErrorStreamCaptureInvalidated
};
enum cudaMemcpyKind { cudaMemcpyDefault };
enum cudaStreamCaptureStatus {
  cudaStreamCaptureStatusNone,
  cudaStreamCaptureStatusActive,
  cudaStreamCaptureStatusInvalidated
};
enum cudaDriverEntryPointQueryResult { cudaDriverEntryPointSuccess, cudaDriverEntryPointSymbolNotFound };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };
enum cudaDeviceAttr { cudaDevAttrL2CacheSize };
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventRecordDefault = 0, cudaEventRecordExternal = 1;
inline constexpr unsigned long long cudaEnableDefault = 0;
struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
  size_t totalGlobalMem;
};
using cudaStream_t = struct EmulatedStream*;
using cudaEvent_t = struct EmulatedEvent*;
using cudaGraph_t = struct EmulatedGraph*;
using cudaGraphExec_t = EmulatedGraph*;

const char* cudaGetErrorString(cudaError_t e);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceGetPCIBusId(char* id, int bytes, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);

/// A function of the driver (cuda.h), if there is one of that name.
cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned version,
                                             unsigned long long flags, cudaDriverEntryPointQueryResult* result);

cudaError_t cudaMemGetInfo(size_t* free, size_t* total);
cudaError_t cudaMalloc(void** p, size_t bytes);
cudaError_t cudaFree(void* p);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* p, int value, size_t bytes, cudaStream_t stream);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
/// Does the stream's work. Throws what a kernel threw (emulation.h).
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);

cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
/// In a capture a plain event belongs to it and never passes for the host; an external one passes with each launch.
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);

namespace temper::emulation {

/// Puts work at the end of a stream, or of what is being captured. It may touch the device's memory when it runs.
void enqueue(cudaStream_t stream, std::function<void()> work);

/// What cudaGetLastError() returns after a launch with these extents and this much dynamic shared memory, or with this
/// pointer among its arguments.
cudaError_t check_extents(Extent3 grid, Extent3 block, size_t shared_bytes);
cudaError_t check_pointer(const void* argument);
void set_last_error(cudaError_t error);

/// A kernel's launch, with its arguments by value.
template <class... Params, class... Args>
void launch(cudaStream_t stream, Extent3 grid, Extent3 block, size_t shared_bytes, void (*kernel)(Params...),
            const Args&... args) {
  cudaError_t error = check_extents(grid, block, shared_bytes);
  const auto check = [&]<class T>(const T& argument) {
    if constexpr (std::is_pointer_v<T>)
      if (error == cudaSuccess) error = check_pointer(argument);
  };
  (check(args), ...);
  if (error != cudaSuccess) return set_last_error(error);
  enqueue(stream, [=, arguments = std::tuple<Params...>(args...)] {
    run(grid, block, shared_bytes, [&] { std::apply(kernel, arguments); });
  });
}

}  // namespace temper::emulation
