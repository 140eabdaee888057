#pragma once
// Where shared libraries lie: those of a program that are loaded, and those that one of them will look for.
#include <filesystem>
#include <string>
#include <vector>

namespace temper {

/// Full path of a shared library of this process, by the name it was linked by ("libcudnn.so.9"); empty: not loaded.
std::string loaded_library(const std::string& soname);

/// Folders that parts of CUDA may lie in, the likeliest first: those of `libraries` (also behind links), what lies
/// beside them in NVIDIA's wheels (nvidia/cudnn/lib, nvidia/cu13/lib, nvidia/cuda_nvrtc/lib, ...), and toolkits' own.
std::vector<std::filesystem::path> cuda_folders(const std::vector<std::string>& libraries,
                                                const std::vector<std::filesystem::path>& toolkits);

/// The first file in the folders that is called `name` or, with a longer version, begins with `name` and a dot; empty:
/// there is none.
std::string find_library(const std::vector<std::filesystem::path>& folders, const std::string& name);

}  // namespace temper
