#pragma once
// How kernels over the columns of a (rows, channels) matrix give rows and channels to the threads of a block.
#include <algorithm>
#include <initializer_list>
#include <type_traits>

#include "kernels/runtime/launch.h"
#include "kernels/runtime/map.h"

namespace TEMPER_API temper {
namespace cuda {

inline constexpr int kThreads = 256;  // of a block: `tx` vectors of channels by `ty` rows
inline constexpr int64_t kMaxBlocks = 2048;

template <class T>
inline constexpr int kVector = 16 / sizeof(T);

template <int V, class T>
using Pack = temper::detail::Pack<V, T>;

/// Which channels and rows a thread has: one vector of channels for its whole life, so that their parameters stay in
/// registers and no element needs a division to find its channel.
template <int V>
struct Lane {
  int tx, ty, row, channel;
  bool active;
  __device__ explicit Lane(int channels) {
    const int vectors = channels / V;
    tx = min(vectors, kThreads);
    ty = kThreads / tx;
    row = threadIdx.x / tx;
    channel = (blockIdx.y * tx + threadIdx.x % tx) * V;
    active = row < ty && channel < channels;
  }
};

template <int V>
dim3 grid(int channels, int64_t blocks) {
  const int vectors = channels / V;
  return dim3(static_cast<unsigned>(blocks), (vectors + kThreads - 1) / kThreads);
}

/// Blocks for a kernel without a reduction: about four rows a thread, or more.
template <int V>
dim3 apply_grid(int64_t rows, int channels) {
  const int64_t per_block = 4 * (kThreads / std::min(channels / V, kThreads));
  return grid<V>(channels, std::min((rows + per_block - 1) / per_block, kMaxBlocks));
}

template <int V, class T>
__device__ Pack<V, T> load(const T* p) {
  return *reinterpret_cast<const Pack<V, T>*>(p);
}
template <int V, class T>
__device__ void store(T* p, const Pack<V, T>& v) {
  *reinterpret_cast<Pack<V, T>*>(p) = v;
}

/// read(u, row) for U rows at once, to have that many loads in flight, then use(u, row) for each.
template <int U, class Read, class Use>
__device__ void each_row(int64_t row, int64_t end, int64_t step, Read read, Use use) {
  for (; row < end; row += U * step) {
#pragma unroll
    for (int u = 0; u < U; ++u)
      if (row + u * step < end) read(u, row + u * step);
#pragma unroll
    for (int u = 0; u < U; ++u)
      if (row + u * step < end) use(u, row + u * step);
  }
}

/// f(integral constant V): whole vectors where the channels and all pointers allow it, single elements otherwise.
template <class T, class F>
void with_vector(int channels, F f, std::initializer_list<const T*> pointers) {
  bool whole = channels % kVector<T> == 0;
  for (const T* p : pointers) whole &= reinterpret_cast<uintptr_t>(p) % 16 == 0;
  whole ? f(std::integral_constant<int, kVector<T>>{}) : f(std::integral_constant<int, 1>{});
}
template <class F>
void with_flag(bool flag, F f) {
  flag ? f(std::true_type{}) : f(std::false_type{});
}

}  // namespace cuda
}  // namespace temper
