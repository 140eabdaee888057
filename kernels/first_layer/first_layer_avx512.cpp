#if defined(__AVX512F__)
#include "kernels/first_layer/convolution.h"
#include "kernels/runtime/vec_avx512.h"

namespace temper::first_layer {

namespace {
struct ThisFile {
  static constexpr bool kConvertsToBf16 = false;
};
}  // namespace

constinit const Kernels kAvx512 = kernel_table<VecAvx512<ThisFile>>();

}  // namespace temper::first_layer
#endif
