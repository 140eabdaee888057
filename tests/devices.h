#pragma once
// Tests of kernels and ops run on every device there is and say so when one is missing.
#include <cstdlib>
#include <vector>

#include "kernels/runtime/memory.h"
#include "tests/skip.h"

namespace temper::test {

/// The devices that answer. A test that walks over these alone says nothing about the missing ones; prefer
/// TEMPER_DEVICE_TEST, whose CUDA half shows up as skipped.
inline std::vector<Device> devices() {
  if (cuda_available()) return {Device::cpu, Device::cuda};
  return {Device::cpu};
}

/// Whether there is a CUDA device; fails the test if there is none and TEMPER_REQUIRE_CUDA is set.
inline bool cuda_or_skip() {
  const bool there = cuda_available();
  if (!there && std::getenv("TEMPER_REQUIRE_CUDA")) FAIL("TEMPER_REQUIRE_CUDA is set and no CUDA device answers");
  return there;
}

}  // namespace temper::test

/// In a test case that needs a GPU, first.
#define TEMPER_NEEDS_CUDA() \
  if (!temper::test::cuda_or_skip()) TEMPER_SKIP("no CUDA device answers")

/// Two test cases with one body, "NAME on cpu" and "NAME on cuda": TEMPER_DEVICE_TEST("name", "[tags]") { ... device
/// ... }
#define TEMPER_DEVICE_TEST(name, tags) TEMPER_DEVICE_TEST_AS(TEMPER_DEVICE_TEST_NAME(__LINE__), name, tags)
#define TEMPER_DEVICE_TEST_NAME(line) TEMPER_DEVICE_TEST_NAME_(line)
#define TEMPER_DEVICE_TEST_NAME_(line) device_test_##line
#define TEMPER_DEVICE_TEST_AS(function, name, tags)                  \
  static void function(temper::Device device);                       \
  TEST_CASE(name " on cpu", tags) { function(temper::Device::cpu); } \
  TEST_CASE(name " on cuda", tags "[cuda]") {                        \
    TEMPER_NEEDS_CUDA();                                             \
    function(temper::Device::cuda);                                  \
  }                                                                  \
  static void function([[maybe_unused]] temper::Device device)
