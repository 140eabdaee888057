#include "bench/machine.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "bench/gpu_state.h"

namespace temper::bench {

namespace {

using Json = nlohmann::ordered_json;

/// The highest and lowest clock that /proc/cpuinfo names.
void add_clocks(Json& j) {
  std::ifstream in("/proc/cpuinfo");
  double lo = 1e9, hi = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("cpu MHz", 0) != 0) continue;
    const double mhz = std::strtod(line.c_str() + line.find(':') + 1, nullptr);
    lo = std::min(lo, mhz);
    hi = std::max(hi, mhz);
  }
  if (hi > 0) j["cpu_mhz"] = {lo, hi};
}

/// The value behind `key` in a file of "key value" lines.
void add_value(Json& j, const char* name, const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first;
    int64_t value = 0;
    if (key.empty() ? bool(std::istringstream(line) >> value) : words >> first && first == key && words >> value) {
      j[name] = value;
      return;
    }
  }
}

void add_steal(Json& j) {
  std::ifstream in("/proc/stat");
  std::string cpu;
  int64_t ticks[8] = {};
  in >> cpu;
  for (int64_t& t : ticks) in >> t;
  if (in) j["steal_ticks"] = ticks[7];
}

}  // namespace

Json machine_state(Device device) {
  Json j;
  double load = 0;
  if (getloadavg(&load, 1) == 1) j["load"] = load;
  add_clocks(j);
  add_steal(j);
  add_value(j, "container_throttled", "/sys/fs/cgroup/cpu.stat", "nr_throttled");
  add_value(j, "heat_throttled", "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "");
  if (device == Device::cuda) j["gpu"] = gpu_state();
  return j;
}

}  // namespace temper::bench
