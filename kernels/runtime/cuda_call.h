#pragma once
// Only for .cu files and CUDA-side .cpp files. Public, as headers with TEMPER_API are.
#include <cuda_runtime.h>

#include "kernels/runtime/check.h"

// A failed call leaves its error in the runtime; a later launch would report it as its own.
#define TEMPER_CUDA_CALL(call)                                        \
  do {                                                                \
    const cudaError_t error_ = (call);                                \
    if (error_ != cudaSuccess) {                                      \
      cudaGetLastError();                                             \
      ::temper::fail(#call, " failed: ", cudaGetErrorString(error_)); \
    }                                                                 \
  } while (0)
