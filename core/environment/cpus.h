#pragma once
// How many threads a process should have.
#include <filesystem>
#include <optional>
#include <string>

namespace temper {

/// The CPUs that this process may use at once: those its affinity allows (taskset, cpusets), but no more than its
/// control group's quota pays for (docker --cpus), rounded up.
int cpus();

/// Threads of an engine that is not told how many: one for each of cpus(), or fewer if OMP_NUM_THREADS or
/// OMP_THREAD_LIMIT in the environment says so.
int default_threads();

/// What is wrong with a number of threads that is below 0 or far above cpus(); empty: nothing.
std::string problem_with_threads(int64_t threads);
/// What there is to say about threads that are more than cpus(); empty: nothing.
std::string note_on_threads(int64_t threads);

/// CPUs that the quota of the control group in `membership` (/proc/self/cgroup), or of one around it, pays for, in
/// either version of control groups, mounted at `mount`; none: there is no quota.
std::optional<double> quota_of_control_group(const std::filesystem::path& membership,
                                             const std::filesystem::path& mount);

}  // namespace temper
