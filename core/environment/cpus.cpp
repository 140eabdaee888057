#include "core/environment/cpus.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "kernels/runtime/check.h"

namespace temper {

namespace {

namespace fs = std::filesystem;

int cpus_of_affinity() {
  for (int most = 1024; most <= 1 << 20; most *= 2) {
    cpu_set_t* const set = CPU_ALLOC(most);
    const size_t bytes = CPU_ALLOC_SIZE(most);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

/// The words of a file's first line; empty if it cannot be read.
std::vector<std::string> words_of(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  std::istringstream text(line);
  std::vector<std::string> words;
  for (std::string w; text >> w;) words.push_back(w);
  return words;
}

/// Quota over period, where both are numbers: "max" and -1 mean no quota.
std::optional<double> ratio(const std::vector<std::string>& quota, const std::string& period) {
  if (quota.empty()) return {};
  const double q = std::strtod(quota[0].c_str(), nullptr), p = std::strtod(period.c_str(), nullptr);
  if (!(q > 0 && p > 0)) return {};
  return q / p;
}

std::optional<double> quota_in(const fs::path& folder) {
  const std::vector<std::string> v2 = words_of(folder / "cpu.max");
  if (v2.size() == 2) return ratio(v2, v2[1]);
  const std::vector<std::string> period = words_of(folder / "cpu.cfs_period_us");
  return period.empty() ? std::nullopt : ratio(words_of(folder / "cpu.cfs_quota_us"), period[0]);
}

/// The least quota of a group and those around it. In a container the group's own path may not be there to see: then
/// its quota is that of the mount's root.
std::optional<double> least_quota(const fs::path& mount, const fs::path& group) {
  std::optional<double> least;
  for (fs::path at = group.relative_path();; at = at.parent_path()) {
    const std::optional<double> quota = quota_in(mount / at);
    if (quota && (!least || *quota < *least)) least = quota;
    if (at.empty()) return least;
  }
}

/// A number of threads that the environment names, or `otherwise`.
int named(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  const long n = text ? std::strtol(text, nullptr, 10) : 0;
  return n > 0 ? static_cast<int>(std::min<long>(n, otherwise)) : otherwise;
}

}  // namespace

std::optional<double> quota_of_control_group(const fs::path& membership, const fs::path& mount) {
  std::ifstream in(membership);
  std::optional<double> least;
  for (std::string line; std::getline(in, line);) {  // number:controllers:path, without controllers in version 2
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
    if (!controllers.empty() && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
    for (const fs::path& root : {mount, mount / controllers, mount / "cpu", mount / "unified"}) {
      const std::optional<double> quota = least_quota(root, group);
      if (quota && (!least || *quota < *least)) least = quota;
    }
  }
  return least;
}

int cpus() {
  static const int count = [] {
    const int allowed = cpus_of_affinity();
    const std::optional<double> quota = quota_of_control_group("/proc/self/cgroup", "/sys/fs/cgroup");
    return quota ? std::clamp(static_cast<int>(std::ceil(*quota)), 1, allowed) : allowed;
  }();
  return count;
}

int default_threads() { return named("OMP_THREAD_LIMIT", named("OMP_NUM_THREADS", cpus())); }

std::string problem_with_threads(int64_t threads) {
  constexpr int64_t kFar = 8;
  if (threads >= 0 && threads <= kFar * cpus()) return "";
  return cat("expected 0, for one thread on each of the ", cpus(), " CPUs that this process may use, or at most ",
             kFar * cpus(), ", got ", threads);
}

std::string note_on_threads(int64_t threads) {
  if (threads <= cpus()) return "";
  return cat("threads is ", threads, ", but this process may use ", cpus(), cpus() == 1 ? " CPU" : " CPUs",
             ": more threads than CPUs wait for each other; set threads: 0");
}

}  // namespace temper
