// The runtime of the emulated device. One mutex guards all of it: host threads may share the device.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tests/emulation/cuda_runtime.h"
#include "tests/emulation/device_memory.h"

namespace {

using Work = std::vector<std::function<void()>>;
constexpr size_t kMostWaiting = 4096;  // a device runs ahead, too

std::recursive_mutex& mutex = temper::emulation::device_mutex();
thread_local cudaError_t last_error = cudaSuccess;

cudaError_t failed(cudaError_t e) { return last_error = e; }

}  // namespace

struct EmulatedStream {
  Work waiting, recorded;
  bool capturing = false, broken = false;
};
struct EmulatedGraph {
  std::shared_ptr<const Work> work;
};
struct EmulatedEvent {
  cudaStream_t stream = nullptr;
  std::shared_ptr<double> seconds = std::make_shared<double>();
};

namespace {

std::vector<std::unique_ptr<EmulatedStream>>& streams() {
  static std::vector<std::unique_ptr<EmulatedStream>> all = [] {
    std::vector<std::unique_ptr<EmulatedStream>> made;
    made.push_back(std::make_unique<EmulatedStream>());  // the default stream
    return made;
  }();
  return all;
}
EmulatedStream& of(cudaStream_t stream) { return stream ? *stream : *streams().front(); }

void run_waiting(EmulatedStream& stream) {
  const temper::emulation::DeviceAccess access;
  const Work work = std::exchange(stream.waiting, {});
  for (const auto& f : work) f();
}

/// run_waiting() for destructors.
bool finish(EmulatedStream& stream) {
  try {
    run_waiting(stream);
    return true;
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return false;
  }
}

/// What may not happen in a capture breaks it.
bool forbidden(EmulatedStream& stream) {
  stream.broken |= stream.capturing;
  return stream.capturing;
}
bool forbidden_everywhere() {
  bool any = false;
  for (const auto& stream : streams()) any |= forbidden(*stream);
  return any;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

const char* cudaGetErrorString(cudaError_t e) {
  switch (e) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure: return "unspecified launch failure";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
  }
  return "unrecognized error code";
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }

cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {.name = "emulated device",
                 .major = 9,
                 .minor = 0,
                 .multiProcessorCount = 1,
                 .totalGlobalMem = temper::emulation::device_capacity()};
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) { return *value = 1 << 20, cudaSuccess; }
cudaError_t cudaDeviceGetPCIBusId(char* id, int bytes, int) {
  return std::snprintf(id, bytes, "0000:00:00.0") < bytes ? cudaSuccess : failed(cudaErrorInvalidValue);
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : failed(cudaErrorInvalidValue); }
cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, cudaSuccess; }

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const std::lock_guard lock(mutex);
  *total = temper::emulation::device_capacity();
  *free = *total - temper::emulation::device_used();
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** p, size_t bytes) {
  const std::lock_guard lock(mutex);
  if (forbidden_everywhere()) return failed(cudaErrorStreamCaptureUnsupported);
  *p = temper::emulation::device_allocate(bytes);
  return *p ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* p) {
  const std::lock_guard lock(mutex);
  if (!p) return cudaSuccess;
  if (forbidden_everywhere()) return failed(cudaErrorStreamCaptureUnsupported);
  bool ran = true;
  for (const auto& stream : streams()) ran &= finish(*stream);
  if (!temper::emulation::device_free(p)) return failed(cudaErrorInvalidValue);
  return ran ? cudaSuccess : failed(cudaErrorLaunchFailure);
}
cudaError_t cudaDeviceSynchronize() {
  const std::lock_guard lock(mutex);
  if (forbidden_everywhere()) return failed(cudaErrorStreamCaptureUnsupported);
  bool ran = true;
  for (const auto& stream : streams()) ran &= finish(*stream);
  return ran ? cudaSuccess : failed(cudaErrorLaunchFailure);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  const auto lies = [&](const void* p) { return temper::emulation::on_device(p, bytes); };
  const auto strays = [&](const void* p) { return temper::emulation::on_device(p, 1) && !lies(p); };
  if (strays(to) || strays(from)) return failed(cudaErrorInvalidValue);
  // CUDA records a copy of memory that the host may move; repeated, it would read what happens to be there.
  if ((!lies(to) || !lies(from)) && forbidden(of(stream))) return failed(cudaErrorStreamCaptureUnsupported);
  temper::emulation::enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* p, int value, size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (!temper::emulation::on_device(p, bytes)) return failed(cudaErrorInvalidValue);
  temper::emulation::enqueue(stream, [=] { std::memset(p, value, bytes); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const std::lock_guard lock(mutex);
  *stream = streams().emplace_back(std::make_unique<EmulatedStream>()).get();
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  const bool ran = finish(*stream);
  std::erase_if(streams(), [&](const auto& s) { return s.get() == stream; });
  return ran ? cudaSuccess : failed(cudaErrorLaunchFailure);
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (forbidden(of(stream))) return failed(cudaErrorStreamCaptureUnsupported);
  run_waiting(of(stream));
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const std::lock_guard lock(mutex);
  const EmulatedStream& s = of(stream);
  *status = !s.capturing ? cudaStreamCaptureStatusNone
            : s.broken   ? cudaStreamCaptureStatusInvalidated
                         : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const std::lock_guard lock(mutex);
  if (!stream || stream->capturing) return failed(cudaErrorStreamCaptureUnsupported);
  stream->capturing = true;
  stream->broken = false;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::lock_guard lock(mutex);
  *graph = nullptr;
  if (!stream->capturing) return failed(cudaErrorInvalidValue);
  stream->capturing = false;
  Work work = std::exchange(stream->recorded, {});
  if (stream->broken) return failed(cudaErrorStreamCaptureInvalidated);
  *graph = new EmulatedGraph{std::make_shared<const Work>(std::move(work))};
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new EmulatedGraph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  temper::emulation::enqueue(stream, [work = exec->work] {
    for (const auto& f : *work) f();
  });
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) { return delete exec, cudaSuccess; }

cudaError_t cudaEventCreate(cudaEvent_t* event) { return *event = new EmulatedEvent, cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete event, cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->stream = stream;
  temper::emulation::enqueue(stream, [seconds = event->seconds] { *seconds = now(); });
  return cudaSuccess;
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  const std::lock_guard lock(mutex);
  if ((flags == cudaEventRecordExternal) != of(stream).capturing) return failed(cudaErrorInvalidValue);
  return cudaEventRecord(event, stream);
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) { return cudaStreamSynchronize(event->stream); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = static_cast<float>(1000 * (*to->seconds - *from->seconds));
  return cudaSuccess;
}

namespace temper::emulation {

void enqueue(cudaStream_t stream, std::function<void()> work) {
  const std::lock_guard lock(mutex);
  EmulatedStream& s = of(stream);
  (s.capturing ? s.recorded : s.waiting).push_back(std::move(work));
  if (s.waiting.size() >= kMostWaiting) run_waiting(s);
}

cudaError_t check_extents(Extent3 grid, Extent3 block, size_t shared_bytes) {
  constexpr size_t kMostShared = 227 << 10;  // of a block on sm_90
  const bool fit = shared_bytes <= kMostShared && grid.count() > 0 && grid.y <= 65535 && grid.z <= 65535 &&
                   block.count() > 0 && block.count() <= 1024;
  return fit ? cudaSuccess : cudaErrorInvalidConfiguration;
}
cudaError_t check_pointer(const void* argument) { return on_host(argument) ? cudaErrorIllegalAddress : cudaSuccess; }
void set_last_error(cudaError_t error) { failed(error); }

}  // namespace temper::emulation
