#pragma once
// map: one body per element, on either back end. This driver and row.h hold the only #ifdef a single-source kernel
// needs.
#include <cstdint>

#include "kernels/runtime/access.h"
#include "kernels/runtime/capture.h"
#include "kernels/runtime/check.h"
#include "kernels/runtime/hd.h"
#include "kernels/runtime/pass.h"
#include "kernels/runtime/range.h"
#include "kernels/runtime/stream.h"
#include "kernels/runtime/team.h"
#if defined(TEMPER_KERNELS)
#include "kernels/runtime/launch.h"
#endif

namespace TEMPER_API temper {

namespace detail {

/// The body itself or, if it has live values, the result of body.bind(), which reads them. Called where the body runs,
/// before the first element.
template <class Fn>
TEMPER_HD auto bound(const Fn& fn) {
  if constexpr (requires { fn.bind(); })
    return fn.bind();
  else
    return fn;
}
/// Whether body.skip() says, from a live value, that no element must be changed.
template <class Fn>
TEMPER_HD bool skip(const Fn& fn) {
  if constexpr (requires { fn.skip(); })
    return fn.skip();
  else
    return false;
}

/// fn for the elements [from, to).
template <class Fn, class... T>
void map_range(int64_t from, int64_t to, Fn fn, T*... p) {
#pragma omp simd
  for (int64_t i = from; i < to; ++i) fn(i, p[i]...);
}

/// The first element from which on all arrays can be read W elements at a time, or -1 if there is none: views into the
/// middle of tensors may differ in alignment.
template <int W, class... T>
int64_t common_head(const T*... p) {
  for (int64_t head = 0; head < W; ++head)
    if (aligned<W>((p + head)...)) return head;
  return -1;
}

#if defined(TEMPER_KERNELS)
template <int W, class Fn, class... Access>
__device__ void map_thread(int64_t n, int64_t head, const Fn& fn, Access... arg) {
  const int64_t first = int64_t(blockIdx.x) * blockDim.x * W;
  if (head < 0) {
    for (int64_t j = first + threadIdx.x; j < n && j < first + int64_t(blockDim.x) * W; j += blockDim.x)
      fn(j, arg.element(j)...);
    return;
  }
  const int64_t i = head + first + int64_t(threadIdx.x) * W;
  if (i + W <= n) {
    (arg.load(i), ...);
#pragma unroll
    for (int k = 0; k < W; ++k) fn(i + k, arg.at(k)...);
    (arg.store(i), ...);
  } else {
    for (int64_t j = i; j < n; ++j) fn(j, arg.element(j)...);
  }
  if (i == head)
    for (int64_t j = 0; j < head && j < n; ++j) fn(j, arg.element(j)...);
}
template <int W, class Fn, class... Args>
__global__ void map_kernel(int64_t n, int64_t head, Fn fn, Args... args) {
  if (!skip(fn)) map_thread<W>(n, head, bound(fn), access<W>(args)...);
}
#endif

}  // namespace detail

/// Runs fn(i, a[i], b[i], ...) for i in [0, n). Each argument is a `const T*` (read), a `T*` (read and written) or
/// write(p) (written only). Arrays may alias each other at equal indices. Deterministic: elements are independent.
/// A body with live values (ScalarArg) has bind(), which returns the body to run with their present values. It may have
/// skip(), which returns whether to leave all elements unchanged. A GPU moves 16 bytes of each array at a time if all
/// arrays have the same misalignment.
template <class Fn, class... Args>
void map(Stream stream, int64_t n, Fn fn, Args... args) {
  if (n == 0) return;
  if (stream.device == Device::cpu) {
    list_launch(stream, fn, n, detail::pointer(args)...);
    if (planning(stream) || detail::skip(fn)) return;
    const auto body = detail::bound(fn);
    in_pieces(stream, n, 1,
              [&](int64_t from, int64_t to) { detail::map_range(from, to, body, detail::pointer(args)...); });
    return;
  }
#if defined(TEMPER_KERNELS)
  constexpr int kWidth = detail::width_of<Args...>();
  constexpr int kThreads = 256;
  const int64_t blocks = (n + kThreads * kWidth - 1) / (kThreads * kWidth);
  const int64_t head = detail::common_head<kWidth>(detail::pointer(args)...);
  launch(stream, blocks, kThreads, detail::map_kernel<kWidth, Fn, Args...>, n, head, fn, args...);
#else
  fail("map: this build has no CUDA back end; configure with -DTEMPER_CUDA=ON or run with device: cpu");
#endif
}

}  // namespace temper
