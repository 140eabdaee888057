#pragma once
// Which compiler, and which of its passes, a kernel's source is going through.
//   TEMPER_KERNELS    this compiler takes __global__ functions
//   TEMPER_ON_DEVICE  this pass compiles them for the device
// Both hold in the emulation of tests/emulation, which brings a <cuda_runtime.h> of its own.
#if defined(__CUDACC__) || defined(TEMPER_EMULATION)
#define TEMPER_KERNELS
#endif
#if defined(__CUDA_ARCH__) || defined(TEMPER_EMULATION)
#define TEMPER_ON_DEVICE
#endif
