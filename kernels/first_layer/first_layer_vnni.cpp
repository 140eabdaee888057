#if defined(__AVX512VNNI__) && defined(__AVX512BF16__)
#include "kernels/first_layer/convolution.h"
#include "kernels/runtime/vec_avx512.h"

namespace temper::first_layer {

namespace {
struct ThisFile {
  static constexpr bool kConvertsToBf16 = true;
};
}  // namespace

constinit const Kernels kVnni = kernel_table<VecAvx512<ThisFile>>();

}  // namespace temper::first_layer
#endif
