#pragma once
// HD marks a function compiled for the host and, under nvcc, for the device too.
#if defined(__CUDACC__)
#define HD __host__ __device__ __forceinline__
#else
#define HD inline __attribute__((always_inline))
#endif
