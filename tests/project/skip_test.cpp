// The rule itself: where a GPU has to be proved, a skip for want of a device, a type or data fails.
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/fixtures/skip.h"

TEST_CASE("a child that lacks a device", "[.child]") { TEMPER_SKIP("no device, for a test"); }
TEST_CASE("a child that lacks a tool", "[.child]") { TEMPER_SKIP_ON_HOST("no tool, for a test"); }

namespace {

/// What this very program says of one of the two.
std::string child(const std::string& environment, const std::string& name) {
  const std::string command =
      "env " + environment + " '" + std::filesystem::read_symlink("/proc/self/exe").string() + "' '" + name + "' 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string said;
  std::array<char, 256> part;
  while (std::fgets(part.data(), part.size(), pipe)) said += part.data();
  ::pclose(pipe);
  return said;
}

}  // namespace

TEST_CASE("a missing device is a skip, and a failure where a GPU is required", "[skip]") {
  const std::string without = "-u TEMPER_REQUIRE_CUDA", with = "TEMPER_REQUIRE_CUDA=1",
                    device = "a child that lacks a device";
  CHECK_THAT(child(without, device), ContainsSubstring("SKIPPED: no device, for a test"));
  CHECK_THAT(child(with, device), ContainsSubstring("TEMPER_REQUIRE_CUDA is set, but no device, for a test") &&
                                      !ContainsSubstring("SKIPPED:"));
  for (const std::string& environment : {without, with})
    CHECK_THAT(child(environment, "a child that lacks a tool"),
               ContainsSubstring("SKIPPED: no tool, for a test") && !ContainsSubstring("FAILED"));
}
