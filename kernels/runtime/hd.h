#pragma once
// HD marks a function compiled for the host and, under nvcc, for the device too.
#if defined(__CUDACC__)
#define HD __host__ __device__ __forceinline__
#else
#define HD inline __attribute__((always_inline))
#endif

// TEMPER_KERNELS: this compiler takes __global__ functions. TEMPER_ON_DEVICE: this is the pass that compiles them for
// the device. Both hold in the emulation of tests/emulation, which brings a <cuda_runtime.h> of its own.
#if defined(__CUDACC__) || defined(TEMPER_EMULATION)
#define TEMPER_KERNELS
#endif
#if defined(__CUDA_ARCH__) || defined(TEMPER_EMULATION)
#define TEMPER_ON_DEVICE
#endif
