#pragma once
// Small kernels, right and wrong on purpose: what the emulation has to run and what it has to find.

#include <cstddef>

namespace temper::planted {

enum class Barrier {
  there,    ///< right
  missing,  ///< a race on shared memory
  partial,  ///< not reached by a thread that waits for its warp
  two       ///< threads meet at different barriers
};

/// y[i] = x[i] for i < n, and `extra` elements too many.
void copy(int n, int extra, float* y, const float* x);
/// y = x backwards, 64 elements, through shared memory.
void reverse64(Barrier barrier, float* y, const float* x);
struct Dynamic {
  std::size_t shared_bytes;
  bool gap = false;  ///< leaves every other element of shared memory unwritten
  unsigned cluster = 1;
  const char* not_emulated = nullptr;
};
/// y = x backwards, n elements, through dynamic shared memory, by each of two blocks.
void reverse_dynamic(int n, const Dynamic& how, float* y, const float* x);
/// y[i] = x[i ^ 2] for odd i < 32; the lanes that take part are 0xaaaaaaaa.
void swap_odd_pairs(unsigned mask, float* y, const float* x);
/// *bins += how many of x are positive: a vote per warp, an integer atomic per block.
void count_positive(int n, int* bins, const float* x);
/// 64 threads write to y[0].
void write_one_element(float* y);

}  // namespace temper::planted
