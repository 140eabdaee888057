#include "kernels/first_layer/first_layer.h"

namespace temper::first_layer {

const Kernels* kernels([[maybe_unused]] InstructionSet set) {
#if defined(__x86_64__)
  switch (set) {
    case InstructionSet::avx2: return &kAvx2;
    case InstructionSet::avx512: return &kAvx512;
    case InstructionSet::vnni: return &kVnni;
  }
#endif
  return nullptr;
}

}  // namespace temper::first_layer
