#include "core/environment/cpus.h"

#include <sched.h>

#include <cstdlib>
#include <fstream>

#include "core/engine.h"
#include "tests/fixtures/catch.h"
#include "tests/fixtures/temporary_folder.h"

using namespace temper;

namespace {

/// Control groups as a kernel shows them, in files.
class Groups {
 public:
  Groups& put(const std::string& name, const std::string& text) {
    const std::filesystem::path file = folder_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
    return *this;
  }
  std::optional<double> quota() const {
    return quota_of_control_group(folder_.path() / "membership", folder_.path() / "mount");
  }

 private:
  test::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("the quota of a control group, version 2", "[cpus]") {
  CHECK(Groups().quota() == std::nullopt);
  CHECK(Groups().put("membership", "0::/").put("mount/cpu.max", "max 100000").quota() == std::nullopt);
  CHECK(Groups().put("membership", "0::/").put("mount/cpu.max", "150000 100000").quota() == 1.5);
  CHECK(Groups().put("membership", "0::/a/b").put("mount/a/b/cpu.max", "300000 100000").quota() == 3);
  // The least of a group and those around it.
  CHECK(Groups()
            .put("membership", "0::/a/b")
            .put("mount/a/b/cpu.max", "300000 100000")
            .put("mount/a/cpu.max", "50000 100000")
            .quota() == 0.5);
  // In a container the path is one of the host's.
  CHECK(Groups().put("membership", "0::/docker/123").put("mount/cpu.max", "200000 100000").quota() == 2);
}

TEST_CASE("the quota of a control group, version 1", "[cpus]") {
  const std::string membership = "12:pids:/a\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a\n0::/";
  CHECK(Groups()
            .put("membership", membership)
            .put("mount/cpu,cpuacct/a/b/cpu.cfs_quota_us", "250000")
            .put("mount/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000")
            .quota() == 2.5);
  CHECK(Groups()
            .put("membership", membership)
            .put("mount/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1")
            .put("mount/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000")
            .quota() == std::nullopt);
  CHECK(Groups()
            .put("membership", membership)
            .put("mount/cpu/cpu.cfs_quota_us", "400000")
            .put("mount/cpu/cpu.cfs_period_us", "200000")
            .quota() == 2);
  CHECK(Groups()
            .put("membership", membership)
            .put("mount/pids/a/cpu.cfs_quota_us", "100000")
            .put("mount/pids/a/cpu.cfs_period_us", "100000")
            .quota() == std::nullopt);
}

TEST_CASE("threads that no machine has are refused, those that this one has not are spoken of", "[cpus][errors]") {
  cpu_set_t allowed;
  REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  CHECK(cpus() >= 1);
  CHECK(cpus() <= CPU_COUNT(&allowed));
  CHECK(default_threads() <= cpus());
  CHECK(problem_with_threads(0).empty());
  CHECK(problem_with_threads(8 * cpus()).empty());
  CHECK_THAT(problem_with_threads(8 * cpus() + 1), ContainsSubstring("or at most " + std::to_string(8 * cpus())));
  CHECK_THAT(problem_with_threads(-1), ContainsSubstring("got -1"));
  CHECK(note_on_threads(cpus()).empty());
  CHECK(note_on_threads(0).empty());
  CHECK_THAT(note_on_threads(cpus() + 1), ContainsSubstring("more threads than CPUs"));
  CHECK_THROWS_WITH(Engine({.threads = 100'000}),
                    ContainsSubstring("threads: expected 0") && ContainsSubstring("got 100000"));
}

TEST_CASE("the environment may ask for fewer threads", "[cpus]") {
  const char* variables[] = {"OMP_NUM_THREADS", "OMP_THREAD_LIMIT"};
  for (const char* variable : variables) {
    const char* value = std::getenv(variable);
    const std::string before = value ? value : "";
    ::setenv(variable, "1", 1);
    CHECK(default_threads() == 1);
    ::setenv(variable, "999999", 1);
    CHECK(default_threads() <= cpus());
    ::setenv(variable, "many", 1);
    CHECK(default_threads() <= cpus());
    value ? ::setenv(variable, before.c_str(), 1) : ::unsetenv(variable);
  }
}
