#pragma once
// Stands in for CUDA's <cuda_runtime.h> where files are compiled for the emulation: the part of the language that
// kernels use, and of the runtime (runtime_api.h). What is missing here fails to compile there: add it.
#include <cmath>
#include <cstring>
#include <type_traits>

#include "tests/emulation/emulation.h"
#include "tests/emulation/runtime_api.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // blocks run one after another

using dim3 = temper::emulation::Extent3;
using uint3 = temper::emulation::Index3;
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

// Barriers and warp operations.
inline void __syncthreads(std::source_location at = std::source_location::current()) { temper::emulation::barrier(at); }
inline void __syncwarp(unsigned mask = 0xffffffffu, std::source_location at = std::source_location::current()) {
  temper::emulation::exchange(mask, 0, temper::emulation::lane(), at);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, std::source_location at = std::source_location::current()) {
  return temper::emulation::ballot(mask, predicate, at);
}
inline int __any_sync(unsigned mask, int predicate, std::source_location at = std::source_location::current()) {
  return temper::emulation::ballot(mask, predicate, at) != 0;
}
inline int __all_sync(unsigned mask, int predicate, std::source_location at = std::source_location::current()) {
  return temper::emulation::ballot(mask, !predicate, at) == 0;
}

namespace temper::emulation {
template <class T>
T shuffle(unsigned mask, T value, unsigned source, std::source_location at) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof value);
  word = exchange(mask, word, source, at);
  std::memcpy(&value, &word, sizeof value);
  return value;
}
}  // namespace temper::emulation

template <class T>
T __shfl_sync(unsigned mask, T v, unsigned source, std::source_location at = std::source_location::current()) {
  return temper::emulation::shuffle(mask, v, source & 31, at);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T v, unsigned bits, std::source_location at = std::source_location::current()) {
  return temper::emulation::shuffle(mask, v, temper::emulation::lane() ^ bits, at);
}
template <class T>
T __shfl_down_sync(unsigned mask, T v, unsigned by, std::source_location at = std::source_location::current()) {
  return temper::emulation::shuffle(mask, v, temper::emulation::lane() + by, at);
}
template <class T>
T __shfl_up_sync(unsigned mask, T v, unsigned by, std::source_location at = std::source_location::current()) {
  return temper::emulation::shuffle(mask, v, temper::emulation::lane() - by, at);
}

// Atomics, on integers only: floating-point ones would make results depend on scheduling.
template <class T>
concept AtomicInteger = std::is_integral_v<T>;
template <AtomicInteger T>
T atomicAdd(T* p, std::type_identity_t<T> v) {
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
template <AtomicInteger T>
T atomicSub(T* p, std::type_identity_t<T> v) {
  return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED);
}
template <AtomicInteger T>
T atomicOr(T* p, std::type_identity_t<T> v) {
  return __atomic_fetch_or(p, v, __ATOMIC_RELAXED);
}
template <AtomicInteger T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> v) {
  __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
template <AtomicInteger T>
T atomicMax(T* p, std::type_identity_t<T> v) {
  T old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (old < v && !__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}
template <AtomicInteger T>
T atomicMin(T* p, std::type_identity_t<T> v) {
  T old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (old > v && !__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}

// Device functions.
template <class T>
T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
T max(T a, T b) {
  return a < b ? b : a;
}
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(static_cast<unsigned>(v)); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline uint32_t __float_as_uint(float v) { return __builtin_bit_cast(uint32_t, v); }
inline float __uint_as_float(uint32_t v) { return __builtin_bit_cast(float, v); }
template <class T>
T __ldg(const T* p) {
  return *p;
}
