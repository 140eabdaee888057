#pragma once
// The number of threads of a process.
#include <filesystem>
#include <optional>
#include <string>

namespace temper {

/// The number of CPUs that this process may use: those of its affinity mask (taskset, cpusets), limited by the quota of
/// its control group (docker --cpus), rounded up.
int cpus();

/// The default number of threads of an engine: cpus(), or less if OMP_NUM_THREADS or OMP_THREAD_LIMIT in the
/// environment is less.
int default_threads();

/// The error about a number of threads that is negative or far above cpus(); empty if there is none.
std::string problem_with_threads(int64_t threads);
/// The warning about more threads than cpus(); empty if there is none.
std::string note_on_threads(int64_t threads);

/// The CPU quota of the control group in `membership` (/proc/self/cgroup) or of one that contains it, for both versions
/// of control groups, mounted at `mount`. Empty: no quota.
std::optional<double> quota_of_control_group(const std::filesystem::path& membership,
                                             const std::filesystem::path& mount);

}  // namespace temper
