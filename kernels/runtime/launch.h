#pragma once
// How kernels start, on a GPU and in the emulation of tests/emulation. Only for .cu files.
#include <cstddef>

#include "kernels/runtime/capture.h"
#include "kernels/runtime/cuda_call.h"
#include "kernels/runtime/not_emulated.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

struct LaunchConfig {
  dim3 blocks, threads;
  size_t shared_bytes = 0;  ///< dynamic shared memory of a block, for dynamic_shared(); more than 48 KiB, too
  unsigned cluster = 1;     ///< blocks in a cluster, along x, of which blocks.x is a multiple; more than 1 needs sm_90
  /// A feature of the kernel that the emulation cannot run, such as "cp.async.bulk"; null: none. Clusters need not be
  /// named.
  const char* not_emulated = nullptr;
};

/// The dynamic shared memory of the block, aligned to 16 bytes.
template <class T>
__device__ T* dynamic_shared() {
#if defined(TEMPER_EMULATION)
  return static_cast<T*>(emulation::dynamic_shared());
#else
  extern __shared__ __align__(16) unsigned char memory[];
  return reinterpret_cast<T*>(memory);
#endif
}

/// Launches kernel(args...) in stream order. `kernel` is a __global__ function with all its template arguments written
/// out. Nothing happens while planning. Throws Error if the launch fails, NotEmulated if the emulation cannot run it.
template <class... Params, class... Args>
void launch(Stream stream, const LaunchConfig& config, void (*kernel)(Params...), const Args&... args) {
  if (planning(stream)) return;
#if defined(TEMPER_EMULATION)
  if (config.cluster > 1) throw NotEmulated(cat("the emulation has no clusters; a kernel asks for ", config.cluster));
  if (config.not_emulated) throw NotEmulated(cat("the emulation cannot run ", config.not_emulated));
  emulation::launch(static_cast<cudaStream_t>(stream.handle), config.blocks, config.threads, config.shared_bytes,
                    kernel, args...);
#else
  constexpr size_t kWithoutAsking = 48 << 10;
  if (config.shared_bytes > kWithoutAsking)
    TEMPER_CUDA_CALL(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                          cudaFuncAttributeMaxDynamicSharedMemorySize,
                                          static_cast<int>(config.shared_bytes)));
  const auto queue = static_cast<cudaStream_t>(stream.handle);
  if (config.cluster == 1) {
    kernel<<<config.blocks, config.threads, config.shared_bytes, queue>>>(args...);
  } else {
    cudaLaunchAttribute cluster{};
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim.x = config.cluster;
    cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
    cudaLaunchConfig_t with{};
    with.gridDim = config.blocks;
    with.blockDim = config.threads;
    with.dynamicSmemBytes = config.shared_bytes;
    with.stream = queue;
    with.attrs = &cluster;
    with.numAttrs = 1;
    TEMPER_CUDA_CALL(cudaLaunchKernelEx(&with, kernel, args...));
  }
#endif
  TEMPER_CUDA_CALL(cudaGetLastError());
}

/// The same without dynamic shared memory.
template <class... Params, class... Args>
void launch(Stream stream, dim3 blocks, dim3 threads, void (*kernel)(Params...), const Args&... args) {
  launch(stream, LaunchConfig{.blocks = blocks, .threads = threads}, kernel, args...);
}

}  // namespace temper
