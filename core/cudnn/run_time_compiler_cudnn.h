#pragma once
// The libraries that cuDNN compiles engines with at run time. Only for files compiled with CUDA.
#include <string>
#include <vector>

namespace temper {

/// Loads nvJitLink, NVRTC's builtins and NVRTC by their full paths, from the folders of cuDNN and cuBLASLt or from a
/// toolkit, so that cuDNN finds them loaded. Once per process, before the first cuDNN handle. NVRTC searches its
/// builtins on its caller's search path, which does not contain them in NVIDIA's wheels; without this call every
/// run-time compiled engine would be missing, without an error. Libraries that are not found are left to the loader.
void load_run_time_compiler();

/// Compiles a trivial program with NVRTC. Returns the error, or an empty text.
std::string run_time_compiler_fault();

struct LoadedLibrary {
  std::string name, version, path;  ///< empty path: not loaded; empty version: unknown
};
/// The loaded cuDNN, cuBLASLt, NVRTC and its builtins.
std::vector<LoadedLibrary> cuda_libraries();

}  // namespace temper
