#pragma once
// The libraries that cuDNN compiles engines with at run time. Only for files compiled with CUDA.
#include <string>
#include <vector>

namespace temper {

/// Loads nvJitLink, NVRTC's builtins and NVRTC by their full paths, from beside cuDNN and cuBLASLt or from a toolkit,
/// so that cuDNN finds them loaded. Once a process; before the first cuDNN handle. NVRTC looks for its builtins where
/// its caller's search path leads, which in NVIDIA's wheels is elsewhere; then every run-time compiled engine vanishes
/// without an error. What is not found is left to the loader.
void load_run_time_compiler();

/// Compiles next to nothing with NVRTC. Empty, or why that cannot be done.
std::string run_time_compiler_fault();

struct LoadedLibrary {
  std::string name, version, path;  ///< empty path: not loaded; empty version: it does not say
};
/// cuDNN, cuBLASLt, NVRTC and its builtins, as they are loaded.
std::vector<LoadedLibrary> cuda_libraries();

}  // namespace temper
