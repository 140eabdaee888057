#pragma once
// Runs: neighbouring columns of a row in one thread, for bodies that have an outer loop over something else and keep
// one number per column in registers. `size` columns from `column` on, at most kMost. load() and store() take a pointer
// to the first element of a row and access the columns of the run.
#include "kernels/runtime/access.h"
#include "kernels/runtime/api.h"
#include "kernels/runtime/hd.h"
#include "kernels/runtime/pass.h"

namespace TEMPER_API temper {

#if defined(TEMPER_ON_DEVICE)
/// On CUDA: as many as one access moves.
template <int W>
struct DeviceRun {
  static constexpr int kMost = W, size = W;
  int column;

  template <class T>
  __device__ detail::Pack<W, T> load(const T* row) const {
    return detail::load_pack<W>(row + column);
  }
  /// f(j) to element j.
  template <class T, class F>
  __device__ void store(T* row, F f) const {
    detail::Pack<W, T> pack;
#pragma unroll
    for (int j = 0; j < W; ++j) pack.v[j] = f(j);
    detail::store_pack<W>(row + column, pack);
  }
};
#endif

/// On the CPU, whose vector instructions want many.
struct HostRun {
  static constexpr int kMost = 64;
  int column, size;

  template <class T>
  TEMPER_HD const T* load(const T* row) const {
    return row + column;
  }
  template <class T, class F>
  TEMPER_HD void store(T* row, F f) const {
    for (int j = 0; j < size; ++j) row[column + j] = f(j);
  }
};

/// Columns of T in one access.
template <class T>
inline constexpr int kRunOf = detail::kAccess / int(sizeof(T));

}  // namespace temper
