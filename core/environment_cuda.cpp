#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cudnn.h>

#include <nlohmann/json.hpp>

#include "core/environment.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {
// CUDA packs 12.4 as 12040.
std::string cuda_version(int packed) { return cat(packed / 1000, ".", packed % 1000 / 10); }
}  // namespace

nlohmann::ordered_json cuda_environment() {
  nlohmann::ordered_json j;
  int count = 0, driver = 0, runtime = 0;
  const cudaError_t found = cudaGetDeviceCount(&count);
  cudaDeviceProp device{};
  if (found == cudaSuccess && count > 0 && cudaGetDeviceProperties(&device, 0) == cudaSuccess) {
    j["device"] = device.name;
    j["compute_capability"] = cat(device.major, ".", device.minor);
    j["memory_gb"] = device.totalGlobalMem >> 30;
    j["multiprocessors"] = device.multiProcessorCount;
  } else {
    j["device"] = cat("none: ", found == cudaSuccess ? "no device" : cudaGetErrorString(found));
  }
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  j["driver"] = cuda_version(driver);
  j["runtime"] = cuda_version(runtime);
  const size_t cudnn = cudnnGetVersion();
  j["cudnn"] = cat(cudnn / 10000, ".", cudnn % 10000 / 100, ".", cudnn % 100);
  j["cublas"] = cat(CUBLAS_VER_MAJOR, ".", CUBLAS_VER_MINOR, ".", CUBLAS_VER_PATCH);
  j["architectures"] = TEMPER_CUDA_ARCHITECTURES;
  return j;
}

}  // namespace temper
