#if defined(__AVX2__) && defined(__FMA__)
#include "kernels/runtime/vec_avx2.h"
#include "kernels/winograd/kernel_table.h"

namespace temper::winograd {

namespace {
struct ThisFile {};
}  // namespace

constinit const Kernels kAvx2 = kernel_table<VecAvx2<ThisFile>>();

}  // namespace temper::winograd
#endif
