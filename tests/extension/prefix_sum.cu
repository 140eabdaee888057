#include "tests/extension/prefix_sum.h"

#include "kernels/runtime/check.h"
#include "kernels/runtime/pair.h"
#include "kernels/runtime/pass.h"
#include "kernels/runtime/range.h"
#include "kernels/runtime/team.h"
#if defined(TEMPER_KERNELS)
#include "kernels/runtime/launch.h"
#endif

namespace temper {

#if defined(TEMPER_KERNELS)
namespace {

constexpr int kPrefixThreads = 256;

// [kernel]
/// A block sums a row, which it holds in shared memory: each thread its neighbouring elements, to which the sums of the
/// threads before are added.
template <class T>
__global__ void __launch_bounds__(kPrefixThreads) prefix_sum_kernel(int cols, T* y, const T* x) {
  T *const row = dynamic_shared<T>(), *const sums = row + cols;
  const int64_t start = int64_t(blockIdx.x) * cols;
  for (int j = threadIdx.x; j < cols; j += kPrefixThreads) row[j] = x[start + j];
  __syncthreads();
  const int each = (cols + kPrefixThreads - 1) / kPrefixThreads;
  const int first = min(int(threadIdx.x) * each, cols), last = min(first + each, cols);
  for (int j = first + 1; j < last; ++j) row[j] += row[j - 1];
  sums[threadIdx.x] = first < last ? row[last - 1] : T(0);
  __syncthreads();
  T before = 0;
  for (int t = 0; t < int(threadIdx.x); ++t) before += sums[t];
  for (int j = first; j < last; ++j) row[j] += before;
  __syncthreads();
  for (int j = threadIdx.x; j < cols; j += kPrefixThreads) y[start + j] = row[j];
}
// [kernel]

}  // namespace
#endif

template <class T>
void prefix_sum(Stream stream, int64_t rows, int cols, T* y, const T* x) {
  const KernelRange range(stream, "prefix_sum", {rows, cols});
  TEMPER_CHECK(cols <= kMostPrefixColumns<T>, "prefix_sum: expected at most ", kMostPrefixColumns<T>,
               " columns, which a block holds, got ", cols);
  if (planning(stream) || rows * cols == 0) return;
  if (stream.device == Device::cpu)
    return each_item(team_for(stream, rows * cols), rows, [&](int64_t r, int) {
      T sum = 0;
      for (int64_t j = r * cols; j < (r + 1) * cols; ++j) y[j] = sum += x[j];
    });
#if defined(TEMPER_KERNELS)
  // [launch]
  launch(stream,
         {.blocks = static_cast<unsigned>(rows),
          .threads = kPrefixThreads,
          .shared_bytes = (cols + kPrefixThreads) * sizeof(T)},
         prefix_sum_kernel<T>, cols, y, x);
  // [launch]
#else
  no_cuda("prefix_sum");
#endif
}

template void prefix_sum<float>(Stream, int64_t, int, float*, const float*);
template void prefix_sum<double>(Stream, int64_t, int, double*, const double*);

}  // namespace temper
