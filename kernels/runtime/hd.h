#pragma once
// TEMPER_HD marks a function compiled for the host and, under nvcc, for the device too. Public, as headers with
// TEMPER_API are.
#if defined(__CUDACC__)
#define TEMPER_HD __host__ __device__ __forceinline__
#else
#define TEMPER_HD inline __attribute__((always_inline))
#endif
