#include "core/environment/environment.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <Eigen/Core>
#include <fstream>
#include <sstream>

#include "core/environment/cpus.h"
#include "core/files/json.h"
#include "core/memory/host_memory.h"
#include "kernels/runtime/check.h"
#if defined(TEMPER_ONEDNN)
#include <oneapi/dnnl/dnnl.h>
#endif

namespace temper {

namespace {

// The CPU's flags on which the choice of code in oneDNN and in our kernels depends.
constexpr const char* kFeatures[] = {"sse4_2",      "avx",         "fma",         "avx2",     "avx_vnni", "avx512f",
                                     "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8",
                                     "asimd",       "bf16",        "i8mm",        "sve"};

std::string line_of(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.rfind(key, 0) == 0) {
      const size_t at = line.find_first_not_of(" \t:=", line.find_first_of(":="));
      return at == std::string::npos ? "" : line.substr(at);
    }
  return "";
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

nlohmann::ordered_json cpu_features() {
  std::string flags = line_of("/proc/cpuinfo", "flags");
  if (flags.empty()) flags = line_of("/proc/cpuinfo", "Features");
  nlohmann::ordered_json found = nlohmann::ordered_json::array();
  std::istringstream words(flags);
  std::vector<std::string> all;
  for (std::string word; words >> word;) all.push_back(word);
  for (const char* feature : kFeatures)
    if (std::find(all.begin(), all.end(), feature) != all.end()) found.push_back(feature);
  return found;
}

nlohmann::ordered_json libraries() {
  nlohmann::ordered_json j;
#if defined(TEMPER_ONEDNN)
  const dnnl_version_t* v = dnnl_version();
  j["onednn"] = cat(v->major, ".", v->minor, ".", v->patch);
#else
  j["onednn"] = "not in this build";
#endif
  j["eigen"] = cat(EIGEN_WORLD_VERSION, ".", EIGEN_MAJOR_VERSION, ".", EIGEN_MINOR_VERSION);
  j["openmp"] = _OPENMP;
  return j;
}

}  // namespace

nlohmann::ordered_json environment() {
  nlohmann::ordered_json j;
  j["version"] = TEMPER_VERSION;
  j["commit"] = TEMPER_COMMIT;
#if defined(__clang__)
  j["compiler"] = __VERSION__;
#else
  j["compiler"] = cat("GCC ", __VERSION__);
#endif
  j["build_type"] = TEMPER_BUILD_TYPE;
  utsname system{};
  uname(&system);
  const std::string os = unquoted(line_of("/etc/os-release", "PRETTY_NAME"));
  j["system"] = cat(os.empty() ? system.sysname : os, ", ", system.machine);
  const std::string cpu = line_of("/proc/cpuinfo", "model name");
  j["cpu"] = cpu.empty() ? system.machine : cpu;
  j["cpu_features"] = cpu_features();
  j["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
  j["threads"] = default_threads();
  j["memory_gb"] = static_cast<int64_t>(memory_of_host() >> 30);
  j["libraries"] = libraries();
#if defined(TEMPER_CUDA)
  j["cuda"] = cuda_environment();
#else
  j["cuda"] = {{"device", "none: this build has no CUDA back end"}};
#endif
  return j;
}

}  // namespace temper
