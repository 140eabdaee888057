#if defined(__AVX512VNNI__) && defined(__AVX512BF16__)
#include "kernels/winograd/int16.h"
#include "kernels/winograd/kernel_table.h"

namespace temper::winograd {

namespace {

struct ThisFile {
  static constexpr bool kConvertsToBf16 = true;
};
using Vec = VecAvx512<ThisFile>;

template <template <class> class Transform>
constexpr void in_integers(conv3x3::ConvAlgorithm& a) {
  Int16OrF32<Transform<Vec>, ThisFile>::set(a.bf16);
}

constexpr Kernels kernels_in_integers() {
  Kernels k = kernel_table<Vec>();
  in_integers<Stride1>(k.stride1);
  in_integers<Stride2>(k.stride2);
  in_integers<Stride2Data>(k.stride2_data);
  return k;
}

}  // namespace

constinit const Kernels kVnni = kernels_in_integers();

}  // namespace temper::winograd
#endif
