#include "core/environment/device_cuda.h"

#include "kernels/runtime/cuda_call.h"

namespace temper {

std::string device_text() {
  int device = 0;
  cudaDeviceProp p{};
  TEMPER_CUDA_CALL(cudaGetDevice(&device));
  TEMPER_CUDA_CALL(cudaGetDeviceProperties(&p, device));
  return cat(p.name, " (sm_", p.major, p.minor, ")");
}

}  // namespace temper
