#include "bench/gpu_state.h"

#include <dlfcn.h>

#include "kernels/runtime/check.h"
#if defined(TEMPER_CUDA)
#include "kernels/runtime/cuda_call.h"
#endif

namespace temper::bench {

namespace {

using Json = nlohmann::ordered_json;

// Declared here, as nvml.h has them: neither the header nor the library is there on a machine that only compiles.
using Ask = int (*)(void* gpu, unsigned* value);
using AskKind = int (*)(void* gpu, int kind, unsigned* value);
using AskWide = int (*)(void* gpu, unsigned long long* value);
constexpr int kSm = 1, kMemory = 2, kGpuSensor = 0;

std::string bus_id() {
#if defined(TEMPER_CUDA)
  char id[32] = {};
  TEMPER_CUDA_CALL(cudaDeviceGetPCIBusId(id, sizeof id, 0));
  return id;
#else
  return "";
#endif
}

}  // namespace

template <class F>
F Nvml::function(const char* name) const {
  return library_ ? reinterpret_cast<F>(dlsym(library_, name)) : nullptr;
}

Nvml::Nvml(const std::string& library, const std::string& bus_id) : library_(dlopen(library.c_str(), RTLD_NOW)) {
  if (!library_) {
    unknown_ = dlerror();
    return;
  }
  const auto init = function<int (*)()>("nvmlInit_v2");
  const auto find = function<int (*)(const char*, void**)>("nvmlDeviceGetHandleByPciBusId_v2");
  if (!init || init() != 0)
    unknown_ = cat(library, ": cannot be initialised");
  else if (!find || find(bus_id.c_str(), &gpu_) != 0)
    unknown_ = cat(library, ": knows no GPU at ", bus_id);
}

Nvml::~Nvml() {
  const auto shutdown = function<int (*)()>("nvmlShutdown");
  if (shutdown && gpu_) shutdown();
  if (library_) dlclose(library_);
}

Json Nvml::state() const {
  if (!unknown_.empty()) return {{"unknown", unknown_}};
  Json j;
  char driver[96] = {};
  const auto version = function<int (*)(char*, unsigned)>("nvmlSystemGetDriverVersion");
  if (version && version(driver, sizeof driver) == 0) j["driver"] = driver;
  const auto add = [&](const char* name, const char* symbol, double scale) {
    unsigned value = 0;
    if (const auto f = function<Ask>(symbol); f && f(gpu_, &value) == 0) j[name] = scale * value;
  };
  const auto add_kind = [&](const char* name, const char* symbol, int kind) {
    unsigned value = 0;
    if (const auto f = function<AskKind>(symbol); f && f(gpu_, kind, &value) == 0) j[name] = value;
  };
  const auto add_wide = [&](const char* name, const char* symbol, double scale) {
    unsigned long long value = 0;
    if (const auto f = function<AskWide>(symbol); f && f(gpu_, &value) == 0)
      j[name] = scale * static_cast<double>(value);
  };
  add_kind("sm_mhz", "nvmlDeviceGetClockInfo", kSm);
  add_kind("sm_max_mhz", "nvmlDeviceGetMaxClockInfo", kSm);
  add_kind("mem_mhz", "nvmlDeviceGetClockInfo", kMemory);
  add_kind("mem_max_mhz", "nvmlDeviceGetMaxClockInfo", kMemory);
  add_kind("temperature_c", "nvmlDeviceGetTemperature", kGpuSensor);
  add("power_w", "nvmlDeviceGetPowerUsage", 1e-3);
  add("power_limit_w", "nvmlDeviceGetEnforcedPowerLimit", 1e-3);
  add_wide("energy_j", "nvmlDeviceGetTotalEnergyConsumption", 1e-3);
  add_wide("throttle_reasons", "nvmlDeviceGetCurrentClocksThrottleReasons", 1);
  return j;
}

Json gpu_state() {
  static const Nvml nvml("libnvidia-ml.so.1", bus_id());
  return nvml.state();
}

DeviceMemory device_memory() {
  DeviceMemory m;
#if defined(TEMPER_CUDA)
  size_t free = 0;
  TEMPER_CUDA_CALL(cudaMemGetInfo(&free, &m.total));
  m.used = m.total - free;
#endif
  return m;
}

GpuWatch::GpuWatch(Device device)
    : device_(device),
      before_(device == Device::cuda ? gpu_state() : Json::object()),
      start_(std::chrono::steady_clock::now()) {}

Json GpuWatch::seen() const {
  if (device_ != Device::cuda) return Json::object();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  Json now = gpu_state();
  if (now.contains("energy_j") && before_.contains("energy_j")) {
    now["watts"] = (now["energy_j"].get<double>() - before_["energy_j"].get<double>()) / seconds;
    now["seconds"] = seconds;
  }
  return now;
}

}  // namespace temper::bench
