#pragma once
// How kernels start, on a GPU and in the emulation of tests/emulation. Only for .cu files.
#include "kernels/runtime/capture.h"
#include "kernels/runtime/cuda_call.h"
#include "kernels/runtime/stream.h"

namespace temper {

/// kernel<<<blocks, threads>>>(args...) in stream order. `kernel` is a __global__ function with all its template
/// arguments written out. Nothing happens while planning. Throws Error when it could not be started.
template <class... Params, class... Args>
void launch(Stream stream, dim3 blocks, dim3 threads, void (*kernel)(Params...), const Args&... args) {
  if (planning(stream)) return;
#if defined(TEMPER_EMULATION)
  emulation::launch(static_cast<cudaStream_t>(stream.handle), blocks, threads, kernel, args...);
#else
  kernel<<<blocks, threads, 0, static_cast<cudaStream_t>(stream.handle)>>>(args...);
#endif
  TEMPER_CUDA_CALL(cudaGetLastError());
}

}  // namespace temper
