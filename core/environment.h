#pragma once
// What a run ran on and was built from: `temper version` and every run folder's environment.json.
#include <nlohmann/json_fwd.hpp>

namespace temper {

/// version, commit, compiler, the machine (system, CPU, its features, cores, threads, memory), library versions, and
/// the GPU with its driver and libraries, or why there is none.
nlohmann::ordered_json environment();

#if defined(TEMPER_CUDA)
/// The part about CUDA: devices, driver, runtime, cuDNN, cuBLAS.
nlohmann::ordered_json cuda_environment();
#endif

}  // namespace temper
