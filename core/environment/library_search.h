#pragma once
// Finds shared libraries: those that are loaded, and those that a loaded library will load later.
#include <filesystem>
#include <string>
#include <vector>

namespace temper {

/// The full path of a shared library of this process, given its soname ("libcudnn.so.9"); empty if it is not loaded.
std::string loaded_library(const std::string& soname);

/// Folders that may contain parts of CUDA, the likeliest first: those of `libraries` (also behind links), neighbouring
/// folders in NVIDIA's wheels (nvidia/cudnn/lib, nvidia/cu13/lib, nvidia/cuda_nvrtc/lib, ...), and those of toolkits.
std::vector<std::filesystem::path> cuda_folders(const std::vector<std::string>& libraries,
                                                const std::vector<std::filesystem::path>& toolkits);

/// The first file in the folders that is called `name`, or begins with `name` and a dot (a longer version); empty if
/// there is none.
std::string find_library(const std::vector<std::filesystem::path>& folders, const std::string& name);

}  // namespace temper
