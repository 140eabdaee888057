#include "kernels/percentile/percentile_cuda.h"

#include "kernels/percentile/percentile_body.h"
#include "kernels/runtime/access.h"
#include "kernels/runtime/launch.h"

namespace temper::cuda {

namespace {

using temper::detail::Digit;
using temper::detail::kBins;
using temper::detail::OrderKey;
using temper::detail::to_key;

constexpr int kThreads = 256;

/// f(value) for every value of a chunk, 16 bytes at a time from the first place in it that allows it.
template <class T, class F>
__device__ void each_value(const SliceChunk& c, const T* x, F f) {
  constexpr int W = temper::detail::kAccess / sizeof(T);
  x += c.from;
  int head = 0;
  while (head < c.count && !temper::detail::aligned<W>(x + head)) ++head;
  const int packs = (c.count - head) / W, done = head + packs * W;
  for (int p = threadIdx.x; p < packs; p += kThreads) {
    const auto pack = temper::detail::load_pack<W>(x + head + p * W);
#pragma unroll
    for (int k = 0; k < W; ++k) f(pack[k]);
  }
  for (int i = threadIdx.x; i < head; i += kThreads) f(x[i]);
  for (int i = done + threadIdx.x; i < c.count; i += kThreads) f(x[i]);
}

/// One block per group: nothing found yet.
__global__ void begin(const PercentileRank* ranks, PercentileState* states, uint32_t* histograms) {
  const int g = blockIdx.x;
  for (int b = threadIdx.x; b < kBins; b += blockDim.x) histograms[g * kBins + b] = 0;
  if (threadIdx.x == 0) states[g] = {0, ~uint64_t(0), ranks[g].below, 0};
}

/// One block per chunk: counts one digit of the keys that begin like the wanted one. Integer sums, so any order of the
/// atomics gives the same counts.
template <class T>
__global__ void __launch_bounds__(kThreads)
    count_digits(Digit digit, const SliceChunk* chunks, const PercentileState* states, const T* x,
                 uint32_t* histograms) {
  __shared__ uint32_t count[kBins];
  for (int b = threadIdx.x; b < kBins; b += kThreads) count[b] = 0;
  __syncthreads();
  const SliceChunk c = chunks[blockIdx.x];
  const OrderKey<T> prefix = static_cast<OrderKey<T>>(states[c.group].prefix);
  each_value(c, x, [&](T value) {
    const OrderKey<T> key = to_key(value);
    if (digit.follows(key, prefix)) atomicAdd(&count[digit.of(key)], 1u);
  });
  __syncthreads();
  uint32_t* all = histograms + int64_t(c.group) * kBins;
  for (int b = threadIdx.x; b < kBins; b += kThreads)
    if (count[b]) atomicAdd(&all[b], count[b]);
}

/// One block per group: the bin that holds the wanted rank; clears the histogram for the next digit.
__global__ void __launch_bounds__(kThreads) pick_bin(Digit digit, PercentileState* states, uint32_t* histograms) {
  constexpr int kPer = kBins / kThreads, kWarps = kThreads / 32;
  __shared__ int64_t warp_total[kWarps];
  uint32_t* count = histograms + int64_t(blockIdx.x) * kBins + threadIdx.x * kPer;
  PercentileState& state = states[blockIdx.x];
  const int64_t left = state.left;
  int64_t mine = 0;
#pragma unroll
  for (int k = 0; k < kPer; ++k) mine += count[k];
  int64_t upto = mine;
  const int lane = threadIdx.x & 31, warp = threadIdx.x / 32;
  for (int d = 1; d < 32; d *= 2) {
    const int64_t before = __shfl_up_sync(0xffffffffu, upto, d);
    if (lane >= d) upto += before;
  }
  if (lane == 31) warp_total[warp] = upto;
  __syncthreads();  // also: everybody has read the state that one thread overwrites below
  int64_t before = upto - mine;
  for (int w = 0; w < warp; ++w) before += warp_total[w];
#pragma unroll
  for (int k = 0; k < kPer; ++k) {
    const int64_t here = count[k];
    if (left >= before && left < before + here) {
      state.prefix |= uint64_t(threadIdx.x * kPer + k) << digit.shift;
      state.left = left - before;
      state.in_bin = here;
    }
    before += here;
    count[k] = 0;
  }
}

__device__ void lower(uint64_t* to, uint64_t key) {
  atomicMin(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(key));
}

/// One block per chunk: the least key above the found one, where that is the last of its value.
template <class T>
__global__ void __launch_bounds__(kThreads)
    find_next(const SliceChunk* chunks, const PercentileRank* ranks, PercentileState* states, const T* x) {
  const SliceChunk c = chunks[blockIdx.x];
  PercentileState& state = states[c.group];
  if (ranks[c.group].fraction == 0 || state.left + 1 < state.in_bin) return;
  const OrderKey<T> found = static_cast<OrderKey<T>>(state.prefix);
  uint64_t least = ~uint64_t(0);
  each_value(c, x, [&](T value) {
    const OrderKey<T> key = to_key(value);
    if (key > found && key < least) least = key;
  });
  for (int d = 16; d > 0; d /= 2) {
    const uint64_t other = __shfl_xor_sync(0xffffffffu, least, d);
    if (other < least) least = other;
  }
  if ((threadIdx.x & 31) == 0 && least != ~uint64_t(0)) lower(&state.next, least);
}

template <class T>
__global__ void finish(int groups, const PercentileRank* ranks, const PercentileState* states, T* thresholds) {
  const int g = blockIdx.x * blockDim.x + threadIdx.x;
  if (g >= groups) return;
  const PercentileState s = states[g];
  const bool repeated = s.left + 1 < s.in_bin;
  const T low = temper::detail::from_key<T>(static_cast<OrderKey<T>>(s.prefix));
  const T high = repeated ? low : temper::detail::from_key<T>(static_cast<OrderKey<T>>(s.next));
  thresholds[g] = temper::detail::between(low, high, ranks[g].fraction);
}

}  // namespace

template <class T>
void percentile(Stream stream, PercentilePlan& plan, const T* x, T* thresholds) {
  const int groups = plan.groups();
  if (groups == 0) return;
  const unsigned chunks = static_cast<unsigned>(plan.chunk_count());
  launch(stream, groups, kThreads, begin, plan.ranks(), plan.states(), plan.histograms());
  for (int i = 0; i < temper::detail::kDigits<T>; ++i) {
    const Digit digit = temper::detail::digit<T>(i);
    launch(stream, chunks, kThreads, count_digits<T>, digit, plan.chunks(), plan.states(), x, plan.histograms());
    launch(stream, groups, kThreads, pick_bin, digit, plan.states(), plan.histograms());
  }
  launch(stream, chunks, kThreads, find_next<T>, plan.chunks(), plan.ranks(), plan.states(), x);
  launch(stream, (groups + kThreads - 1) / kThreads, kThreads, finish<T>, groups, plan.ranks(), plan.states(),
         thresholds);
}

template void percentile<float>(Stream, PercentilePlan&, const float*, float*);
template void percentile<double>(Stream, PercentilePlan&, const double*, double*);

}  // namespace temper::cuda
