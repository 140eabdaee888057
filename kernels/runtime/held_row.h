#pragma once
// for_each_held_row: rows whose body goes over the same values several times. On CUDA a block reads a row once and
// keeps it in registers; longer rows, and all of them on the CPU, stay where they are.
#include "kernels/runtime/row.h"

namespace TEMPER_API temper {

// A body is a template over the row; each() and sum() call it with elements of what hold() gave it:
//   template <class R> TEMPER_HD void operator()(const R& row) const {
//     auto v = row.hold(x);  // a row of x
//     const T squares = row.sum([](int, T v) { return v * v; }, v);
//     row.each([&](int, T& v) { v /= squares; }, v);
//     row.put(x, v);
//   }

/// A row that stays in memory: its functions with arrays are those of Row.
class LongRow : public Row {
 public:
  explicit TEMPER_HD LongRow(const Row& row) : Row(row) {}
  template <class T>
  TEMPER_HD T* hold(T* x) const {
    return x + at(0);
  }
  template <class T>
  TEMPER_HD void put(T*, const T*) const {}
  template <class F, class... T>
  TEMPER_HD auto sum(F f, const T*... held) const {
    return Row::sum(f, held...);
  }
};

#if defined(TEMPER_ON_DEVICE)
/// A row of T in the registers of a block. Sums run in an order that the row's length alone fixes.
template <class T>
class HeldRow {
 public:
  static constexpr int kWidth = detail::kAccess / sizeof(T), kPacks = 3;

  struct Values {
    T v[kPacks * kWidth];
  };

  int64_t index;
  int size;

  __device__ Values hold(const T* x) const {
    Values values;
    x += index * size;
    each_pack(x, [&](int k, int c, bool whole) {
      if (whole) {
        const auto pack = detail::load_pack<kWidth>(x + c);
#pragma unroll
        for (int j = 0; j < kWidth; ++j) values.v[k + j] = pack.v[j];
      } else {
#pragma unroll
        for (int j = 0; j < kWidth; ++j) values.v[k + j] = c + j < size ? x[c + j] : T(0);
      }
    });
    return values;
  }
  __device__ void put(T* x, const Values& values) const {
    x += index * size;
    each_pack(x, [&](int k, int c, bool whole) {
      if (whole) {
        detail::Pack<kWidth, T> pack;
#pragma unroll
        for (int j = 0; j < kWidth; ++j) pack.v[j] = values.v[k + j];
        detail::store_pack<kWidth>(x + c, pack);
      } else {
#pragma unroll
        for (int j = 0; j < kWidth; ++j)
          if (c + j < size) x[c + j] = values.v[k + j];
      }
    });
  }
  /// f(column, its element of each array)
  template <class F, class... Held>
  __device__ void each(F f, Held&... held) const {
#pragma unroll
    for (int p = 0; p < kPacks; ++p)
#pragma unroll
      for (int j = 0; j < kWidth; ++j)
        if (column(p) + j < size) f(column(p) + j, held.v[p * kWidth + j]...);
  }
  template <class F, class... Held>
  __device__ T sum(F f, const Held&... held) const {
    T total = 0;
    each([&](int c, const auto&... v) { total += f(c, v...); }, held...);
    return detail::combine(blockDim.x, total, [](T a, T b) { return a + b; });
  }

 private:
  __device__ int column(int pack) const { return (pack * blockDim.x + threadIdx.x) * kWidth; }
  /// f(first slot, its column, whether the pack can be moved at once)
  template <class F>
  __device__ void each_pack(const T* x, F f) const {
    const bool aligned = detail::aligned<kWidth>(x) && size % kWidth == 0;
#pragma unroll
    for (int p = 0; p < kPacks; ++p) f(p * kWidth, column(p), aligned && column(p) < size);
  }
};
#endif

namespace detail {
template <class Fn>
struct OnLongRow {
  Fn fn;
  TEMPER_HD void operator()(const Row& row) const { fn(LongRow(row)); }
};

#if defined(TEMPER_KERNELS)
inline constexpr int kHeldBlock = 1024;
template <class T>
inline constexpr int kHeldColumns = 3 * kAccess / int(sizeof(T));

template <class T, class Fn>
__global__ void __launch_bounds__(kHeldBlock) held_row_kernel(int cols, Fn fn) {
#if defined(TEMPER_ON_DEVICE)
  fn(HeldRow<T>{blockIdx.x, cols});
#endif
}
#endif
}  // namespace detail

/// Runs fn for every row of (rows, cols) matrices of T.
template <class T, class Fn>
void for_each_held_row(Stream stream, int64_t rows, int cols, Fn fn) {
#if defined(TEMPER_KERNELS)
  const int threads = ((cols + detail::kHeldColumns<T> - 1) / detail::kHeldColumns<T> + 31) / 32 * 32;
  if (stream.device == Device::cuda && rows > 0 && threads <= detail::kHeldBlock)
    return launch(stream, rows, threads, detail::held_row_kernel<T, Fn>, cols, fn);
#endif
  for_each_row(stream, rows, cols, detail::OnLongRow<Fn>{fn});
}

}  // namespace temper
