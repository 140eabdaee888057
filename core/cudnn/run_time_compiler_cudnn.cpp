#include "core/cudnn/run_time_compiler_cudnn.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <dlfcn.h>

#include <cstdlib>

#include "core/environment/library_search.h"
#include "kernels/runtime/check.h"

namespace temper {

namespace {

const std::string kMajor = std::to_string(CUDART_VERSION / 1000);
const std::string kCudnn = "libcudnn.so." + std::to_string(CUDNN_MAJOR), kBlas = "libcublasLt.so." + kMajor,
                  kNvrtc = "libnvrtc.so." + kMajor;
// NVRTC asks for its builtins by major and minor version.
const std::string kBuiltins = "libnvrtc-builtins.so." + kMajor;

std::vector<std::filesystem::path> toolkits() {
  std::vector<std::filesystem::path> found;
  for (const char* name : {"CUDA_HOME", "CUDA_PATH"})
    if (const char* set = std::getenv(name); set && *set) found.emplace_back(set);
  found.emplace_back("/usr/local/cuda");
  return found;
}

/// NVRTC as cuDNN has it: loaded on demand, so by its name and nothing of its header.
class Nvrtc {
 public:
  Nvrtc() : library_(dlopen(kNvrtc.c_str(), RTLD_LAZY)) {}
  ~Nvrtc() {
    if (library_) dlclose(library_);
  }
  Nvrtc(const Nvrtc&) = delete;
  explicit operator bool() const { return library_; }

  template <class... Args>
  int call(const char* function, Args... args) const {
    const auto f = reinterpret_cast<int (*)(Args...)>(dlsym(library_, function));
    return f ? f(args...) : -1;
  }

 private:
  void* library_;
};

std::string nvrtc_version() {
  const Nvrtc nvrtc;
  int major = 0, minor = 0;
  return nvrtc && nvrtc.call("nvrtcVersion", &major, &minor) == 0 ? cat(major, ".", minor) : "";
}

std::string packed_version(size_t v) { return cat(v / 10000, ".", v % 10000 / 100, ".", v % 100); }

std::string builtins_path() {
  const std::string nvrtc = loaded_library(kNvrtc);
  if (nvrtc.empty()) return "";
  const std::string file = find_library({std::filesystem::path(nvrtc).parent_path()}, kBuiltins);
  return file.empty() ? "" : loaded_library(file);
}

}  // namespace

void load_run_time_compiler() {
  static const bool once = [] {
    const auto folders = cuda_folders({loaded_library(kCudnn), loaded_library(kBlas)}, toolkits());
    const std::string nvrtc = find_library(folders, kNvrtc);
    // Of one release: from NVRTC's own folder.
    std::vector<std::string> files = {find_library(folders, "libnvJitLink.so." + kMajor)};
    if (!nvrtc.empty()) files.push_back(find_library({std::filesystem::path(nvrtc).parent_path()}, kBuiltins));
    files.push_back(nvrtc);
    for (const std::string& file : files)
      if (!file.empty()) dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
    return true;
  }();
  static_cast<void>(once);
}

std::string run_time_compiler_fault() {
  load_run_time_compiler();
  const Nvrtc nvrtc;
  if (!nvrtc) return kNvrtc + " is not found";
  void* program = nullptr;
  const char* const none = nullptr;
  int status = nvrtc.call("nvrtcCreateProgram", &program, "__global__ void f() {}", "f.cu", 0, &none, &none);
  if (status == 0) status = nvrtc.call("nvrtcCompileProgram", program, 0, &none);
  if (program) nvrtc.call("nvrtcDestroyProgram", &program);
  constexpr int kBuiltinOperationFailure = 7;
  if (status == kBuiltinOperationFailure) return kNvrtc + " does not find its " + kBuiltins;
  return status == 0 ? "" : cat(kNvrtc, " does not compile: error ", status);
}

std::vector<LoadedLibrary> cuda_libraries() {
  load_run_time_compiler();
  const std::string version = nvrtc_version();
  return {{"cudnn", packed_version(cudnnGetVersion()), loaded_library(kCudnn)},
          {"cublaslt", packed_version(cublasLtGetVersion()), loaded_library(kBlas)},
          {"nvrtc", version, loaded_library(kNvrtc)},
          {"nvrtc_builtins", "", builtins_path()}};
}

}  // namespace temper
