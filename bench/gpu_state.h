#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "core/files/json.h"
#include "kernels/runtime/stream.h"

namespace temper::bench {

/// Reads a GPU's state from NVIDIA's management library (NVML), and sets nothing. Values that it does not report are
/// left out.
class Nvml {
 public:
  /// `library` is opened at run time. `bus_id` is the GPU's PCI address ("0000:1b:00.0").
  Nvml(const std::string& library, const std::string& bus_id);
  ~Nvml();
  Nvml(const Nvml&) = delete;

  /// driver, sm_mhz and mem_mhz with their highest values, temperature_c, power_w and its limit, energy_j since the
  /// driver was loaded, throttle_reasons (bits of nvmlClocksThrottleReason); or "unknown": why nothing can be read.
  nlohmann::ordered_json state() const;

 private:
  template <class F>
  F function(const char* name) const;

  void* library_;
  void* gpu_ = nullptr;
  std::string unknown_;
};

/// The state of CUDA device 0.
nlohmann::ordered_json gpu_state();

/// Bytes of CUDA device 0; 0 without one.
struct DeviceMemory {
  size_t total = 0;
  size_t used = 0;  ///< by all processes and the driver
};
DeviceMemory device_memory();

/// Observes a GPU from construction on.
class GpuWatch {
 public:
  explicit GpuWatch(Device device);
  /// gpu_state() immediately after the work, with `watts`, the mean since construction, and `seconds`, the time since
  /// then. Empty on the CPU.
  nlohmann::ordered_json seen() const;

 private:
  Device device_;
  nlohmann::ordered_json before_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace temper::bench
