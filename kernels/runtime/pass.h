#pragma once
// The compiler, and its pass, that compile a kernel's source.
//   TEMPER_KERNELS    this compiler accepts __global__ functions
//   TEMPER_ON_DEVICE  this pass compiles them for the device
// Both are defined in the emulation of tests/emulation, which has its own <cuda_runtime.h>: there one pass compiles for
// the host and for the device, and on_device() distinguishes them at run time.
#include "kernels/runtime/api.h"
#include "kernels/runtime/hd.h"

#if defined(__CUDACC__) || defined(TEMPER_EMULATION)
#define TEMPER_KERNELS
#endif
#if defined(__CUDA_ARCH__) || defined(TEMPER_EMULATION)
#define TEMPER_ON_DEVICE
#endif

namespace TEMPER_API temper {

#if defined(TEMPER_EMULATION)
inline thread_local bool emulates_device = false;
inline bool on_device() { return emulates_device; }
#elif defined(TEMPER_ON_DEVICE)
TEMPER_HD constexpr bool on_device() { return true; }
#else
TEMPER_HD constexpr bool on_device() { return false; }
#endif

}  // namespace temper
