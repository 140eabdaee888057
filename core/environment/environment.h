#pragma once
// Software and hardware of a run, for `temper version` and environment.json in run folders.
#include <nlohmann/json_fwd.hpp>

namespace temper {

/// Version, commit, compiler, the machine (system, CPU, its features, cores, threads, memory), library versions, and
/// the GPU with its driver and libraries, or the reason why there is none.
nlohmann::ordered_json environment();

#if defined(TEMPER_CUDA)
/// The part about CUDA: the device, driver, runtime, cuDNN, cuBLASLt and NVRTC with the paths they were loaded from,
/// and how many engines cuDNN can compile at run time.
nlohmann::ordered_json cuda_environment();
#endif

}  // namespace temper
