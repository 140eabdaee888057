#pragma once
// for_each_row: one body per row of an (N, C) matrix. On CUDA a warp owns a row; on the CPU one thread does.
// sum and max are collectives with a fixed order, so a result never depends on scheduling or on other rows.
#include <cstdint>

#include "kernels/runtime/check.h"
#include "kernels/runtime/hd.h"
#include "kernels/runtime/map.h"
#include "kernels/runtime/pass.h"
#include "kernels/runtime/stream.h"

namespace temper {

class Row {
 public:
  int64_t index;
  int size;

#if defined(TEMPER_ON_DEVICE)
  static constexpr int kRun = 1;
#else
  static constexpr int kRun = 64;
#endif

  HD int64_t at(int c) const { return index * size + c; }
  /// f(c) for every column of the row.
  template <class F>
  HD void each(F f) const {
    for (int c = lane(); c < size; c += kLanes) f(c);
  }
  /// f(c, n) for runs of n <= kRun neighbouring columns, n = 1 on CUDA: for bodies that loop over something else
  /// outside and keep kRun sums in registers, so that the CPU's vector instructions have columns to work on.
  template <class F>
  HD void each_run(F f) const {
    for (int c = lane() * kRun; c < size; c += kLanes * kRun) f(c, kRun == 1 || size - c >= kRun ? kRun : size - c);
  }
  /// f() by one thread of the row.
  template <class F>
  HD void once(F f) const {
    if (lane() == 0) f();
  }
  template <class F>
  HD auto sum(F f) const {
    using T = decltype(f(0));
#if defined(TEMPER_ON_DEVICE)
    T total = 0;
    for (int c = lane(); c < size; c += kLanes) total += f(c);
    return reduce(total, [](T a, T b) { return a + b; });
#else
    T part[kCpuLanes] = {};
    int c = 0;
    for (; c + kCpuLanes <= size; c += kCpuLanes)
      for (int k = 0; k < kCpuLanes; ++k) part[k] += f(c + k);
    for (int k = 0; c < size; ++c, ++k) part[k] += f(c);
    for (int half = kCpuLanes / 2; half > 0; half /= 2)
      for (int k = 0; k < half; ++k) part[k] += part[k + half];
    return part[0];
#endif
  }
  template <class F>
  HD auto max(F f) const {
    using T = decltype(f(0));
    T best = f(0);
    each([&](int c) {
      const T v = f(c);
      best = v > best ? v : best;
    });
    return reduce(best, [](T a, T b) { return a > b ? a : b; });
  }

 private:
  static constexpr int kCpuLanes = 8;
#if defined(TEMPER_ON_DEVICE)
  static constexpr int kLanes = 32;
#else
  static constexpr int kLanes = 1;
#endif
  HD static int lane() {
#if defined(TEMPER_ON_DEVICE)
    return threadIdx.x & 31;
#else
    return 0;
#endif
  }
  template <class T, class Op>
  HD static T reduce(T v, [[maybe_unused]] Op op) {
#if defined(TEMPER_ON_DEVICE)
    for (int d = 16; d > 0; d /= 2) v = op(v, __shfl_xor_sync(0xffffffffu, v, d));
#endif
    return v;
  }
};

#if defined(TEMPER_KERNELS)
namespace detail {
template <class Fn>
__global__ void row_kernel(int64_t rows, int cols, Fn fn) {
  const int64_t row = int64_t(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
  if (row < rows) fn(Row{row, cols});
}
}  // namespace detail
#endif

/// Runs fn(Row) for every row of a (rows, cols) matrix.
template <class Fn>
void for_each_row(Stream stream, int64_t rows, int cols, Fn fn) {
  if (rows == 0) return;
  if (stream.device == Device::cpu) {
#pragma omp parallel for schedule(static) if (rows * cols >= kParallelGrain)
    for (int64_t r = 0; r < rows; ++r) fn(Row{r, cols});
    return;
  }
#if defined(TEMPER_KERNELS)
  constexpr int kWarps = 4;
  launch(stream, (rows + kWarps - 1) / kWarps, kWarps * 32, detail::row_kernel<Fn>, rows, cols, fn);
#else
  fail("for_each_row: this build has no CUDA back end; configure with -DTEMPER_CUDA=ON or run with device: cpu");
#endif
}

}  // namespace temper
