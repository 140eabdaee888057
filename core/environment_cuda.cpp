#include <cuda_runtime.h>

#include <nlohmann/json.hpp>

#include "core/conv_engines_cudnn.h"
#include "core/environment.h"
#include "core/run_time_compiler_cuda.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {
// CUDA packs 12.4 as 12040.
std::string cuda_version(int packed) { return cat(packed / 1000, ".", packed % 1000 / 10); }

/// Of those that cuDNN proposes for one gradient that it can only compile, or why it could not be asked.
std::string run_time_engines_text() try { return cat(run_time_engines()); } catch (const Error& e) {
  return cat("not known: ", e.what());
}

}  // namespace

nlohmann::ordered_json cuda_environment() {
  nlohmann::ordered_json j;
  int count = 0, driver = 0, runtime = 0;
  const cudaError_t found = cudaGetDeviceCount(&count);
  cudaDeviceProp device{};
  const bool there = found == cudaSuccess && count > 0 && cudaGetDeviceProperties(&device, 0) == cudaSuccess;
  if (there) {
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
  for (const LoadedLibrary& library : cuda_libraries())
    j[library.name] =
        library.path.empty() ? "not loaded" : cat(library.version, library.version.empty() ? "" : ", ", library.path);
  const std::string fault = run_time_compiler_fault();
  j["run_time_compiler"] = fault.empty() ? "works" : fault;
  if (there) j["run_time_compiled_engines"] = run_time_engines_text();
  j["architectures"] = TEMPER_CUDA_ARCHITECTURES;
  return j;
}

}  // namespace temper
