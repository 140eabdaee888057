#include <cuda_runtime.h>

#include "core/files/json.h"

#include "core/environment/environment.h"
#include "core/plans/conv_engines.h"
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
  for (const auto& [name, value] : cuda_engine_facts()) j[name] = value;
  j["architectures"] = TEMPER_CUDA_ARCHITECTURES;
  return j;
}

}  // namespace temper
