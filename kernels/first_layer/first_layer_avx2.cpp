#if defined(__AVX2__) && defined(__FMA__)
#include "kernels/first_layer/convolution.h"
#include "kernels/runtime/vec_avx2.h"

namespace temper::first_layer {

namespace {
struct ThisFile {};
}  // namespace

constinit const Kernels kAvx2 = kernel_table<VecAvx2<ThisFile>>();

}  // namespace temper::first_layer
#endif
