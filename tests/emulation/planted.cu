#include "tests/emulation/planted.h"

#include "kernels/runtime/launch.h"

namespace temper::planted {

namespace {

__global__ void copy_kernel(int n, int extra, float* y, const float* x) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n + extra) y[i] = x[i];
}

__global__ void reverse_kernel(Barrier barrier, float* y, const float* x) {
  __shared__ float shared[64];
  shared[threadIdx.x] = x[threadIdx.x];
  if (barrier == Barrier::there) __syncthreads();
  if (barrier == Barrier::partial && threadIdx.x < 63) __syncthreads();
  if (barrier == Barrier::partial && threadIdx.x == 63) __syncwarp();
  if (barrier == Barrier::two && threadIdx.x < 32) {
    __syncthreads();
  } else if (barrier == Barrier::two) {
    __syncthreads();
  }
  y[threadIdx.x] = shared[63 - threadIdx.x];
}

__global__ void warp_kernel(unsigned mask, float* y, const float* x) {
  if (threadIdx.x % 2 == 0) return;
  y[threadIdx.x] = __shfl_xor_sync(mask, x[threadIdx.x], 2);
}

__global__ void count_kernel(int n, int* bins, const float* x) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const bool high = i < n && x[i] > 0;
  const unsigned votes = __ballot_sync(0xffffffffu, high);
  if (threadIdx.x % 32 == 0) atomicAdd(bins, __popc(votes));
}

/// Only every other element of the shared copy is written if `gap`.
__global__ void shared_kernel(int n, bool gap, float* y, const float* x) {
  float* const shared = dynamic_shared<float>();
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    if (!gap || i % 2 == 0) shared[i] = x[i];
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) y[i] = shared[n - 1 - i];
}

__global__ void same_element_kernel(float* y) { y[0] = static_cast<float>(threadIdx.x); }

}  // namespace

void copy(int n, int extra, float* y, const float* x) {
  launch({}, (n + extra + 63) / 64, 64, copy_kernel, n, extra, y, x);
}
void reverse64(Barrier barrier, float* y, const float* x) { launch({}, 1, 64, reverse_kernel, barrier, y, x); }
void swap_odd_pairs(unsigned mask, float* y, const float* x) { launch({}, 1, 32, warp_kernel, mask, y, x); }
void count_positive(int n, int* bins, const float* x) { launch({}, (n + 63) / 64, 64, count_kernel, n, bins, x); }
void reverse_dynamic(int n, const Dynamic& how, float* y, const float* x) {
  launch({},
         {.blocks = 2,
          .threads = 64,
          .shared_bytes = how.shared_bytes,
          .cluster = how.cluster,
          .not_emulated = how.not_emulated},
         shared_kernel, n, how.gap, y, x);
}
void write_one_element(float* y) { launch({}, 1, 64, same_element_kernel, y); }

}  // namespace temper::planted
