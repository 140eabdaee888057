#pragma once
// for_each_row: one body per row of an (N, C) matrix. On CUDA a warp owns a row, or a block a long one; on the CPU one
// thread does. sum and max are collectives with an order that the row's length alone fixes, so a result never depends
// on scheduling, on where arrays start, or on other rows.
#include <cstdint>

#include "kernels/runtime/access.h"
#include "kernels/runtime/check.h"
#include "kernels/runtime/hd.h"
#include "kernels/runtime/map.h"
#include "kernels/runtime/pass.h"
#include "kernels/runtime/run.h"
#include "kernels/runtime/stream.h"

namespace TEMPER_API temper {

namespace detail {

inline constexpr int kWarp = 32, kRowBlock = 256;

/// Threads per row: a block if each thread of a warp would have 64 columns or more.
inline int row_lanes(int cols) { return cols < 64 * kWarp ? kWarp : kRowBlock; }

#if defined(TEMPER_ON_DEVICE)
/// Combines v of all `lanes` threads of a row in a fixed order; every thread gets the result.
template <class T, class Op>
__device__ T combine(int lanes, T v, Op op) {
  for (int d = kWarp / 2; d > 0; d /= 2) v = op(v, __shfl_xor_sync(0xffffffffu, v, d));
  if (lanes == kWarp) return v;
  __shared__ T part[1024 / kWarp];
  if (threadIdx.x % kWarp == 0) part[threadIdx.x / kWarp] = v;
  __syncthreads();
  v = part[0];
  for (int w = 1; w < lanes / kWarp; ++w) v = op(v, part[w]);
  __syncthreads();
  return v;
}
#endif

}  // namespace detail

/// Functions with `arrays` take pointers to the row's first element, or write(pointer); f is called with the column and
/// that element of each array. A GPU moves 16 bytes of each array at a time if the row is long, aligned to 16 bytes and
/// a multiple of that. Then a thread has neighbouring columns, and not the same ones as in functions without arrays:
/// what another thread wrote may be read only after sync(), sum() or max().
class Row {
 public:
  int64_t index;
  int size;
  int64_t stride = size;      ///< from a row to the next, in columns
  int lanes = detail::kWarp;  ///< threads that share the row, on CUDA

  TEMPER_HD int64_t at(int c) const { return index * stride + c; }
  /// The first `count` columns of the row, for matrices whose last row is shorter.
  TEMPER_HD Row first(int64_t count) const {
    return {index, count < 0 ? 0 : count < size ? static_cast<int>(count) : size, stride, lanes};
  }
  /// f(c) for every column of the row.
  template <class F>
  TEMPER_HD void each(F f) const {
    for (int c = lane(); c < size; c += step()) f(c);
  }
  template <class F, class... Arrays>
  TEMPER_HD void each(F f, Arrays... arrays) const {
#if defined(TEMPER_ON_DEVICE)
    if (on_device()) return visit<detail::width_of<Arrays...>()>(f, arrays...);
#endif
    each([&](int c) { f(c, detail::pointer(arrays)[c]...); });
  }
  /// f(Run) for all columns. On CUDA a run has W columns if W divides the row and every array, which the body accesses
  /// through the run, is aligned to 16 bytes; else one.
  template <int W, class F, class... T>
  TEMPER_HD void each_run(F f, const T*... arrays) const {
    (static_cast<void>(arrays), ...);
#if defined(TEMPER_ON_DEVICE)
    if (on_device()) {
      if constexpr (W > 1)
        if (size % W == 0 && detail::aligned<W>(arrays...)) {
          for (int c = lane() * W; c < size; c += lanes * W) f(DeviceRun<W>{c});
          return;
        }
      for (int c = lane(); c < size; c += lanes) f(DeviceRun<1>{c});
      return;
    }
#endif
    constexpr int kMost = HostRun::kMost;
    for (int c = 0; c < size; c += kMost) f(HostRun{c, size - c < kMost ? size - c : kMost});
  }
  /// f() by one thread of the row.
  template <class F>
  TEMPER_HD void once(F f) const {
    if (lane() == 0) f();
  }
  /// A barrier for the threads of the row: afterwards each may read what the others wrote.
  TEMPER_HD void sync() const {
#if defined(TEMPER_ON_DEVICE)
    if (on_device()) lanes == detail::kWarp ? __syncwarp() : __syncthreads();
#endif
  }
  template <class F>
  TEMPER_HD auto sum(F f) const {
    using T = decltype(f(0));
#if defined(TEMPER_ON_DEVICE)
    if (on_device()) {
      T total = 0;
      each([&](int c) { total += f(c); });
      return detail::combine(lanes, total, [](T a, T b) { return a + b; });
    }
#endif
    T part[kCpuLanes] = {};
    int c = 0;
    for (; c + kCpuLanes <= size; c += kCpuLanes)
      for (int k = 0; k < kCpuLanes; ++k) part[k] += f(c + k);
    for (int k = 0; c < size; ++c, ++k) part[k] += f(c);
    for (int half = kCpuLanes / 2; half > 0; half /= 2)
      for (int k = 0; k < half; ++k) part[k] += part[k + half];
    return part[0];
  }
  template <class F, class... Arrays>
  TEMPER_HD auto sum(F f, Arrays... arrays) const {
#if defined(TEMPER_ON_DEVICE)
    using T = decltype(f(0, detail::pointer(arrays)[0]...));
    if (on_device()) {
      T total = 0;
      each([&](int c, auto&... v) { total += f(c, v...); }, arrays...);
      return detail::combine(lanes, total, [](T a, T b) { return a + b; });
    }
#endif
    return sum([&](int c) { return f(c, detail::pointer(arrays)[c]...); });
  }
  /// The row must have at least one column. NaN is ignored, except in column 0.
  template <class F, class... Arrays>
  TEMPER_HD auto max(F f, Arrays... arrays) const {
    using T = decltype(f(0, detail::pointer(arrays)[0]...));
    T best = f(0, detail::pointer(arrays)[0]...);
    const auto larger = [](T a, T b) { return a > b ? a : b; };
    each([&](int c, auto&... v) { best = larger(f(c, v...), best); }, arrays...);
#if defined(TEMPER_ON_DEVICE)
    if (on_device()) best = detail::combine(lanes, best, larger);
#endif
    return best;
  }

 private:
  static constexpr int kCpuLanes = 8;
  TEMPER_HD int lane() const {
#if defined(TEMPER_ON_DEVICE)
    if (on_device()) return threadIdx.x & (lanes - 1);
#endif
    return 0;
  }
  TEMPER_HD int step() const { return on_device() ? lanes : 1; }

#if defined(TEMPER_ON_DEVICE)
  /// Which columns are a thread's is fixed by the row's length; where the arrays start decides only how they are moved.
  template <int W, class F, class... Arrays>
  __device__ void visit(F& f, Arrays... arrays) const {
    const bool packed = W > 1 && size % W == 0 && size >= 16 * W;
    if (packed && detail::aligned<W>(detail::pointer(arrays)...)) {
      for (int c = lane() * W; c < size; c += lanes * W)
        [&](auto... array) {
          (array.load(c), ...);
#pragma unroll
          for (int k = 0; k < W; ++k) f(c + k, array.at(k)...);
          (array.store(c), ...);
        }(detail::access<W>(arrays)...);
      return;
    }
    const int width = packed ? W : 1;
    for (int c = lane() * width; c < size; c += lanes * width)
      for (int k = c; k < c + width; ++k) f(k, detail::pointer(arrays)[k]...);
  }
#endif
};

#if defined(TEMPER_KERNELS)
namespace detail {
template <class Fn>
__global__ void row_kernel(int64_t rows, int cols, int lanes, Fn fn) {
  const int64_t row = int64_t(blockIdx.x) * (blockDim.x / lanes) + threadIdx.x / lanes;
  if (row < rows) fn(Row{row, cols, cols, lanes});
}
}  // namespace detail
#endif

/// Runs fn(Row) for every row of a (rows, cols) matrix.
template <class Fn>
void for_each_row(Stream stream, int64_t rows, int cols, Fn fn) {
  if (rows == 0) return;
  if (stream.device == Device::cpu) {
    list_launch(stream, fn, rows, cols);
    if (planning(stream)) return;
    in_pieces(stream, rows, cols, [&](int64_t from, int64_t to) {
      for (int64_t r = from; r < to; ++r) fn(Row{r, cols});
    });
    return;
  }
#if defined(TEMPER_KERNELS)
  const int lanes = detail::row_lanes(cols), threads = lanes == detail::kWarp ? 128 : lanes;
  const int64_t each = threads / lanes;
  launch(stream, (rows + each - 1) / each, threads, detail::row_kernel<Fn>, rows, cols, lanes, fn);
#else
  fail("for_each_row: this build has no CUDA back end; configure with -DTEMPER_CUDA=ON or run with device: cpu");
#endif
}

}  // namespace temper
