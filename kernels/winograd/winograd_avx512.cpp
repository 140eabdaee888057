#if defined(__AVX512F__)
#include "kernels/runtime/vec_avx512.h"
#include "kernels/winograd/kernel_table.h"

namespace temper::winograd {

namespace {
struct ThisFile {
  static constexpr bool kConvertsToBf16 = false;
};
}  // namespace

constinit const Kernels kAvx512 = kernel_table<VecAvx512<ThisFile>>();

}  // namespace temper::winograd
#endif
