#pragma once
// map: one body per element, on either back end. This driver and row.h hold the only #ifdef a single-source kernel
// needs.
#include <cstdint>

#include "kernels/runtime/check.h"
#include "kernels/runtime/hd.h"
#include "kernels/runtime/pass.h"
#include "kernels/runtime/range.h"
#include "kernels/runtime/stream.h"
#if defined(TEMPER_KERNELS)
#include "kernels/runtime/launch.h"
#endif

namespace temper {

/// Fewer elements than this are not worth waking a second thread for.
inline constexpr int64_t kParallelGrain = 1 << 14;

/// An argument of map() that is written and never read.
template <class T>
struct WriteOnly {
  T* data;
};
template <class T>
WriteOnly<T> write(T* data) {
  return {data};
}

namespace detail {

template <int W, class T>
struct alignas(sizeof(T) * W) Pack {
  T v[W];
};

// How an argument of map() is seen by one thread: `load` before the body, `at` inside it, `store` after it.
template <int W, class T>
struct ReadWrite {
  T* data;
  Pack<W, T> pack;
  HD void load(int64_t i) { pack = *reinterpret_cast<const Pack<W, T>*>(data + i); }
  HD void store(int64_t i) { *reinterpret_cast<Pack<W, T>*>(data + i) = pack; }
  HD T& at(int k) { return pack.v[k]; }
  HD T& element(int64_t i) { return data[i]; }
};
template <int W, class T>
struct Read {
  const T* data;
  Pack<W, T> pack;
  HD void load(int64_t i) { pack = *reinterpret_cast<const Pack<W, T>*>(data + i); }
  HD void store(int64_t) {}
  HD const T& at(int k) { return pack.v[k]; }
  HD const T& element(int64_t i) { return data[i]; }
};
template <int W, class T>
struct Write : ReadWrite<W, T> {
  HD void load(int64_t) {}
};

template <int W, class T>
HD ReadWrite<W, T> access(T* p) {
  return {p, {}};
}
template <int W, class T>
HD Read<W, T> access(const T* p) {
  return {p, {}};
}
template <int W, class T>
HD Write<W, T> access(WriteOnly<T> p) {
  return {{p.data, {}}};
}

template <class T>
T* pointer(T* p) {
  return p;
}
template <class T>
T* pointer(WriteOnly<T> p) {
  return p.data;
}

/// Whether p can be read W elements at a time: a view from the middle of a tensor may not.
template <int W, class T>
bool is_aligned(T* p) {
  return reinterpret_cast<uintptr_t>(p) % sizeof(Pack<W, T>) == 0;
}

#if defined(TEMPER_KERNELS)
template <int W, class Fn, class... Access>
__device__ void map_thread(int64_t n, bool aligned, const Fn& fn, Access... arg) {
  const int64_t i = (int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * W;
  if (aligned && i + W <= n) {
    (arg.load(i), ...);
#pragma unroll
    for (int k = 0; k < W; ++k) fn(i + k, arg.at(k)...);
    (arg.store(i), ...);
  } else {
    for (int64_t j = i; j < n && j < i + W; ++j) fn(j, arg.element(j)...);
  }
}
template <int W, class Fn, class... Args>
__global__ void map_kernel(int64_t n, bool aligned, Fn fn, Args... args) {
  map_thread<W>(n, aligned, fn, access<W>(args)...);
}
#endif

}  // namespace detail

/// Runs fn(i, a[i], b[i], ...) for i in [0, n). Each argument is a `const T*` (read), a `T*` (read and written) or
/// write(p) (written only). Arrays may alias each other at equal indices. Deterministic: elements are independent.
template <class Fn, class... Args>
void map(Stream stream, int64_t n, Fn fn, Args... args) {
  if (n == 0) return;
  if (stream.device == Device::cpu) {
    [n, fn](auto*... p) {
      if (n < kParallelGrain) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) fn(i, p[i]...);
      } else {
#pragma omp parallel for simd schedule(static)
        for (int64_t i = 0; i < n; ++i) fn(i, p[i]...);
      }
    }(detail::pointer(args)...);
    return;
  }
#if defined(TEMPER_KERNELS)
  constexpr int kWidth = 4, kThreads = 256;
  const int64_t blocks = (n + kThreads * kWidth - 1) / (kThreads * kWidth);
  const bool aligned = (detail::is_aligned<kWidth>(detail::pointer(args)) && ...);
  launch(stream, blocks, kThreads, detail::map_kernel<kWidth, Fn, Args...>, n, aligned, fn, args...);
#else
  fail("map: this build has no CUDA back end; configure with -DTEMPER_CUDA=ON or run with device: cpu");
#endif
}

}  // namespace temper
